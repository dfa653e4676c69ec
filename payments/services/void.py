"""Release a hold, or what is left of it: claimed before the processor is called, closed after."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from foundation import audit, rows
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from payments.models import Payment, Source
from payments.processors import processor
from payments.refusals import NotVoidable as NotVoidable
from payments.refusals import PaymentAlreadyCaptured, PaymentInProgress, links
from payments.services import hold, owner, steps
from payments.services.ask import Answer, ask
from payments.services.authorize import look_up
from payments.services.steps import Wish
from payments.states import PAYMENT, TAKEN

_CALLS_MAX = 4  # a look-up, a release, and both again


def void(
    payment_id: uuid.UUID,
    *,
    by: str,
    reason: str,
    source: str = Source.STAFF,
    asks_owner: bool = False,
    guard: Callable[[Payment, int], None] | None = None,
) -> Payment:
    """Release what is held of one payment, for a person or a policy, on the record.

    Returns the payment as `voided` (or `captured`, when only a remainder was held), or still
    `voiding` when the processor's answer was lost (the sweep finishes it), or as what the
    processor says it is. `guard` is asked with the amount under the payment's lock, before anything
    is written. Raises `NotVoidable`; with `asks_owner`, for whoever is no policy of the
    system's, the owner's refusals too; and those of the guard.
    """
    with durable():
        if asks_owner:
            owner.ask(payment_id, owner.VOID)
        payment = Payment.objects.get(pk=payment_id)
        if guard is not None:
            steps.lock_and_read(payment)
            guard(payment, payment.capturable)
        claim_on_record(payment, by=by, reason=reason, source=source)
    try:
        send(payment, by=by)
    except IllegalTransition:
        payment.refresh_from_db()  # the sweep was faster
    return payment


def claim_on_record(
    payment: Payment,
    *,
    by: str,
    reason: str,
    source: str = Source.SYSTEM,
    operation_id: uuid.UUID | None = None,
) -> None:
    """Claim the release and write who wants it and why, in the caller's transaction.

    Raises `NotVoidable`.
    """
    before = {"state": payment.state, "authorized_amount": payment.authorized_amount}
    try:
        claim(payment, by=by, reason=reason, source=source, operation_id=operation_id)
    except IllegalTransition as error:
        raise NotVoidable("It is not authorized, or somebody else is at it.") from error
    audit.record(
        actor=by,
        action="payment.void",
        aggregate="payment",
        aggregate_id=payment.pk,
        reason=reason,
        before=before,
        after={"state": payment.state},
    )


def claim(
    payment: Payment,
    *,
    by: str,
    reason: str,
    source: str = Source.SYSTEM,
    operation_id: uuid.UUID | None = None,
) -> None:
    """authorized, waiting for the customer, or taken in part → voiding: the call is ours.

    In the caller's transaction. `operation_id` is the id that the release's transaction will
    have. Raises `IllegalTransition`.
    """
    wish = Wish(by, source, operation_id)
    move(
        payment, table=PAYMENT, to="voiding", by=by, reason=reason,
        lease_token=payment.lease_token + 1, **steps.new_claim(wish),
    )  # fmt: skip
    payment.is_fresh = True


def check_voidable(payment: Payment) -> None:
    """Raises `PaymentInProgress`, `PaymentAlreadyCaptured` or `NotVoidable` with the reason."""
    if payment.state in ("authorized", "partially_captured", "requires_action"):
        return
    if payment.state in ("capturing", "voiding", "authorizing", "unknown"):
        raise PaymentInProgress(payment)
    if payment.state in TAKEN:
        detail = "What was captured goes back by a refund."
        raise PaymentAlreadyCaptured(detail, **links(payment))
    raise NotVoidable(f"It is {payment.state}.", payment=payment.reference)


def send(payment: Payment, *, by: str) -> None:
    """Make the call that was claimed in this run, and store what became of it."""
    payment.is_fresh = False
    answer = release_call(payment)()
    with durable():
        close(payment, answer, by=by)


def go_on(payment: Payment, *, by: str) -> None:
    """Finish a release whose holder is gone. The caller has taken the payment's lease over."""
    for number in range(_CALLS_MAX):
        with durable():
            call = next_call(payment)
            if number and call is not None:
                steps.renew(payment)
        if call is None:
            return
        answer = call()
        with durable():
            close(payment, answer, by=by)
        if answer.outcome in ("unknown", "unavailable"):
            return


def next_call(payment: Payment) -> Callable[[], Answer] | None:
    """What to ask next about a payment that is `voiding`; None when it is not.

    A claim found in the database may have been sent by somebody who died: look first, and
    send again, under a new number, only what is proven not to have happened.
    """
    if payment.state != "voiding":
        return None
    if payment.is_fresh:
        payment.is_fresh = False
        return release_call(payment)
    if payment.is_proven_absent:
        payment.is_proven_absent = False
        if rows.update(payment, guard=_held(payment), step_attempt=payment.step_attempt + 1):
            return release_call(payment)
    return look_up(payment)


def _held(payment: Payment) -> dict[str, Any]:
    """Who was overtaken sends nothing and writes nothing: he may look, and no more."""
    return {"state": "voiding", "lease_token": payment.lease_token}


def release_call(payment: Payment) -> Callable[[], Answer]:
    """The call that releases the hold; its key stays the same until it is proven dead."""
    call = partial(
        processor(payment.processor).void,
        processor_reference=payment.processor_reference,
        key=payment.processor_key("void", payment.step_attempt),
    )
    return partial(ask, call)


def close(payment: Payment, answer: Answer, *, by: str) -> None:
    """Store what became of the release, in the caller's transaction.

    An unknown or unavailable answer leaves it `voiding`. What the processor captured meanwhile is
    captured, and giving it back is a decision of its own. Raises `IllegalTransition` when somebody
    took the claim over.
    """
    if payment.state != "voiding":
        return
    seen = answer.payment
    if seen is not None and seen.status in ("captured", "canceled"):
        steps.lock(payment)
        hold.follow(payment, seen, by=by, source=Source.PROCESSOR)
        return
    _note_silence(payment, answer)


def _note_silence(payment: Payment, answer: Answer) -> None:
    """No end yet. Who was asked and said nothing is asked again later, by whoever comes first."""
    payment.is_proven_absent = answer.outcome == "answered"  # asked, and the hold still lives
    changes: dict[str, Any] = {"look_ups": payment.look_ups + 1}
    if not payment.is_proven_absent:
        changes |= steps.let_go(payment)
    if not rows.update(payment, guard=_held(payment), **changes):
        payment.is_proven_absent = False
