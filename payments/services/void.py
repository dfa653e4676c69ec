"""Release a hold: claimed before the processor is called, closed after, never twice at once."""

import uuid
from collections.abc import Callable
from functools import partial

from django.conf import settings

from foundation import audit
from foundation.errors import DomainError
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from payments.models import Payment
from payments.processors import processor
from payments.services import steps
from payments.services.ask import Answer, ask
from payments.services.authorize import look_up
from payments.states import PAYMENT


class NotVoidable(DomainError):
    """There is no hold to release: captured already, released already, or in other hands."""

    code, status, title = "payment_not_voidable", 409, "This payment has no hold to release"


def void(payment_id: uuid.UUID, *, by: str, reason: str) -> Payment:
    """Release the hold of one payment, for a person or a policy, on the record.

    Returns the payment as `voided`, or still `voiding` when the processor's answer was lost
    (the sweep finishes it), or as what the processor says it is. Raises `NotVoidable`.
    """
    with durable():
        payment = Payment.objects.get(pk=payment_id)
        claim_on_record(payment, by=by, reason=reason)
    answer = release_call(payment)()
    try:
        with durable():
            close(payment, answer, by=by)
    except IllegalTransition:
        payment.refresh_from_db()  # the sweep was faster
    return payment


def claim_on_record(payment: Payment, *, by: str, reason: str) -> None:
    """Claim the release and write who wants it and why, in the caller's transaction.

    Raises `NotVoidable`.
    """
    before = {"state": payment.state, "authorized_amount": payment.authorized_amount}
    try:
        claim(payment, by=by, reason=reason)
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


def claim(payment: Payment, *, by: str, reason: str) -> None:
    """authorized (or waiting for the customer) → voiding: from here on the call is ours."""
    move(
        payment,
        table=PAYMENT,
        to="voiding",
        by=by,
        reason=reason,
        lease_token=payment.lease_token + 1,
        leased_until=from_now(settings.PAYMENT_LEASE_SECONDS),
    )
    payment.is_fresh = True


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
        payment.step_attempt += 1
        payment.save(update_fields=["step_attempt"])
        return release_call(payment)
    return look_up(payment)


def release_call(payment: Payment) -> Callable[[], Answer]:
    """The call that releases the hold; its key stays the same until it is proven dead."""
    call = partial(
        processor(payment.processor).void,
        processor_reference=payment.processor_reference,
        key=payment.processor_key("void", payment.step_attempt),
    )
    return partial(ask, call)


def close(payment: Payment, answer: Answer, *, by: str) -> None:
    """Store what became of the release. An unknown or unavailable answer leaves it `voiding`."""
    seen = answer.payment
    if payment.state != "voiding":
        return
    if seen is not None and seen.status == "canceled":
        row, amounts = steps.happened(
            payment,
            kind=steps.Kind.VOID,
            amount=payment.authorized_amount,
            reference=seen.processor_reference,
            by=by,
        )
        tell = ["payment.voided"]
        steps.leave(payment, to="voided", by=by, row=row, tell=tell, voided_amount=amounts.voided)
    elif seen is not None and seen.status == "captured":
        # The processor captured it meanwhile, and it wins: a refund is a decision of its own.
        steps.captured(payment, seen, by="processor", reason="captured before it was released")
    else:
        _note_silence(payment, answer)


def _note_silence(payment: Payment, answer: Answer) -> None:
    payment.is_proven_absent = answer.outcome == "answered"  # asked, and the hold still lives
    payment.look_ups += 1
    payment.save(update_fields=["look_ups"])
