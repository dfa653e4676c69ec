"""Give money back: written down, and put aside, before the processor is asked.

    create   the row, `pending`, under the payment's row lock
    send     the call, under a key of the refund's own
    go_on    what has no answer is asked after by our reference, and sent again, under the same
             key, only when it is proven not to have happened

What becomes of it is in payments/services/refund_outcome.py.
"""

import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from django.conf import settings

from foundation import audit, rows
from foundation.idempotency import from_now
from foundation.ids import new_id
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from payments.models import Payment, Refund, Source
from payments.processors import processor
from payments.processors.base import ProcessorRefund
from payments.refusals import (
    AmountExceedsRefundable,
    NotCaptured,
    PaymentDisputed,
    PaymentInProgress,
)
from payments.services import observe, refund_outcome, steps
from payments.services.ask import Answer, ask, look
from payments.services.steps import Wish
from payments.states import IN_DOUBT, TAKEN


def refund(  # noqa: PLR0913 - a wish, and who must agree to it
    payment_id: uuid.UUID,
    *,
    by: str,
    reason: str,
    source: str = Source.SYSTEM,
    amount: int | None = None,
    operation_id: uuid.UUID | None = None,
    guard: Callable[[Payment, int], None] | None = None,
) -> Refund:
    """Give `amount` back (all that is left by default), for a policy or a person, on the record.

    `operation_id` is the id the refund will have: called again with it, it is the same refund.
    `guard` is asked with the amount under the payment's lock, before anything is written.
    Returns it `succeeded`, `failed`, or `pending` (the sweep follows it). Raises the refusals of
    `create`, and of the guard.
    """
    wish = Wish(by, source, operation_id)
    with durable():
        # Under the lock: whoever carries out the same wish at this moment is waited for.
        payment = Payment.objects.select_for_update(no_key=True).get(pk=payment_id)
        made = operation_id and Refund.objects.filter(pk=operation_id).first()
        if made:
            return made
        if guard is not None:
            guard(payment, payment.refundable if amount is None else amount)
        made = create(payment, wish, amount=amount, reason=reason)
    try:
        send(made, by=by)
    except IllegalTransition:
        made.refresh_from_db()  # the sweep, or the processor's own news, was faster
    return made


def create(payment: Payment, wish: Wish, *, amount: int | None = None, reason: str = "") -> Refund:
    """Write down what will be given back, in the caller's transaction.

    `amount` in minor units, None for all that is left. Raises `PaymentInProgress`,
    `PaymentDisputed`, `NotCaptured`, `AmountExceedsRefundable`.
    """
    steps.lock_and_read(payment)
    wanted = _checked(payment, amount)
    made = Refund(
        id=wish.operation_id or new_id(),
        payment=payment,
        sequence=refund_outcome.next_sequence(payment),
        amount=wanted,
        currency=payment.currency,
        reason=reason,
        source=wish.source,
        actor=wish.by,
        leased_until=from_now(settings.PAYMENT_LEASE_SECONDS),
    )
    rows.insert(made)
    before = {"refunded": payment.refunded_amount, "pending": payment.refund_pending_amount}
    refund_outcome.put_aside(payment, wanted)
    steps.tell(payment, ["refund.created"], **refund_outcome.facts(made))
    audit.record(
        actor=wish.by,
        action="payment.refund",
        aggregate="payment",
        aggregate_id=payment.pk,
        reason=reason or f"asked for by {wish.source}",
        before=before,
        after={"pending": payment.refund_pending_amount, "refund": made.reference},
    )
    return made


def _checked(payment: Payment, amount: int | None) -> int:
    if payment.state in IN_DOUBT:
        raise PaymentInProgress(payment)
    if payment.is_disputed or payment.state == "disputed":
        raise PaymentDisputed("The bank decides about this money.", payment=payment.reference)
    if payment.state not in TAKEN:
        void = f"/v1/payments/{payment.reference}/void"
        raise NotCaptured(f"It is {payment.state}; a hold is released by a void.", void=void)
    left = payment.refundable
    wanted = left if amount is None else amount
    if not 0 < wanted <= left:
        raise AmountExceedsRefundable(
            f"{wanted} was asked for, {left} can be given back.",
            refundable=steps.money(payment, left),
        )
    return wanted


def send(made: Refund, *, by: str) -> None:
    """Make the call for a refund that was written down in this run, and store what it became."""
    _store(made, _call(made)(), by=by)


def go_on(made: Refund, *, by: str) -> None:
    """Ask what became of a refund, and send it again only if it never happened.

    The caller has taken its lease over. Raises `IllegalTransition` when overtaken.
    """
    answer = look(partial(_find, made))
    is_ours = made.source != Source.PROCESSOR  # what somebody made there is never sent by us
    if is_ours and answer.outcome == "absent" and steps.is_absence_proof(made):
        with durable():
            steps.count_absence(made, attempt="attempt")
        answer = _call(made)()
    _store(made, answer, by=by)


def _store(made: Refund, answer: Answer, *, by: str) -> None:
    """Close it; a refusal may mean that the money went back already, and we never heard of it."""
    close(made, answer, by=by)
    if answer.outcome == "refused":
        with suppress(observe.InFlight, observe.NotAnswered):  # then the next look will tell
            observe.look_and_observe(made.payment_id, by=by, source=Source.PROCESSOR)


def _call(made: Refund) -> Callable[[], Answer]:
    call = partial(
        processor(made.payment.processor).refund,
        processor_reference=made.payment.processor_reference,
        amount=made.amount,
        key=made.processor_key,
        reference=made.reference,
    )
    return partial(ask, call)


def _find(made: Refund) -> ProcessorRefund | None:
    """By our reference; one that was made at the processor has none, and is found by its id."""
    port, payment = processor(made.payment.processor), made.payment.processor_reference
    if made.source != Source.PROCESSOR:
        return port.find_refund(processor_reference=payment, reference=made.reference)
    shown = port.list_refunds(processor_reference=payment)
    return next((r for r in shown if r.processor_reference == made.processor_reference), None)


def close(made: Refund, answer: Answer, *, by: str) -> None:
    """Store what became of the call. No answer leaves it `pending`, and it is asked after.

    Raises `IllegalTransition` when somebody took it over.
    """
    with durable():
        payment = _locked_payment(made)
        seen = answer.refund if answer.refund and answer.refund.amount == made.amount else None
        if seen is not None and refund_outcome.settle(payment, made, seen, by=by):
            return
        if made.state != "pending":
            return  # the processor's own news was faster, and this is no more than its echo
        if answer.outcome == "refused":
            refund_outcome.fail(payment, made, code=answer.code, by=by)
            return
        known = {"processor_reference": seen.processor_reference} if seen else {}
        steps.wait(made, answer, **known)


def _locked_payment(made: Refund) -> Payment:
    """The payment under its lock; `made` belongs to it and says what its row says now."""
    payment = Payment.objects.select_for_update(no_key=True).get(pk=made.payment_id)
    token = made.lease_token
    made.refresh_from_db(from_queryset=Refund.objects.select_for_update(no_key=True))
    made.payment = payment
    if made.lease_token != token:
        raise IllegalTransition(f"refund {made.pk}: somebody else is at work on it")
    return payment
