"""Release a hold: claimed before the processor is called, closed after, never twice at once."""

import uuid
from collections.abc import Callable
from functools import partial

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation import audit
from foundation.errors import DomainError
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from payments.amounts import fold
from payments.models import Payment, PaymentTransaction
from payments.processors import processor
from payments.processors.base import ProcessorPayment
from payments.services.ask import Answer, ask
from payments.states import PAYMENT

Kind = PaymentTransaction.Kind


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
        before = {"state": payment.state, "authorized_amount": payment.authorized_amount}
        try:
            call = claim(payment, by=by, reason=reason)
        except IllegalTransition as error:
            raise NotVoidable(f"The payment is {payment.state}.") from error
        audit.record(
            actor=by,
            action="payment.void",
            aggregate="payment",
            aggregate_id=payment.pk,
            reason=reason,
            before=before,
            after={"state": payment.state},
        )
    answer = call()
    with durable():
        close(payment, answer, by=by)
    return payment


def claim(payment: Payment, *, by: str, reason: str) -> Callable[[], Answer]:
    """authorized (or waiting for the customer) → voiding; returns the call that is now ours."""
    move(
        payment,
        table=PAYMENT,
        to="voiding",
        by=by,
        reason=reason,
        lease_token=payment.lease_token + 1,
        leased_until=from_now(settings.PAYMENT_LEASE_SECONDS),
    )
    return release_call(payment)


def release_call(payment: Payment) -> Callable[[], Answer]:
    """The call that releases the hold; safe to repeat, the key is always the same."""
    call = partial(
        processor(payment.processor).void,
        processor_reference=payment.processor_reference,
        key=payment.processor_key("void"),
    )
    return partial(ask, call)


def close(payment: Payment, answer: Answer, *, by: str) -> None:
    """Store what became of the release. An unknown or unavailable answer leaves it `voiding`."""
    seen = answer.payment
    if seen is None or payment.state != "voiding":
        return
    if seen.status == "canceled":
        _record_void(payment, seen, by=by)
    elif seen.status == "captured":
        record_foreign_capture(payment, seen, by=by)


def _record_void(payment: Payment, seen: ProcessorPayment, *, by: str) -> None:
    PaymentTransaction.objects.create(
        payment=payment,
        kind=Kind.VOID,
        succeeded=True,
        amount=payment.authorized_amount,
        currency=payment.currency,
        processor_reference=seen.processor_reference,
        actor=by,
    )
    amounts = fold(payment.transactions.all())
    move(
        payment,
        table=PAYMENT,
        to="voided",
        by=by,
        fence={"lease_token": payment.lease_token},
        voided_amount=amounts.voided,
        leased_until=None,
    )
    facts = {"payment": payment.reference, "payment_id": str(payment.pk)}
    outbox.record(payment.stream, [Event("payment.voided", facts)])


def record_foreign_capture(payment: Payment, seen: ProcessorPayment, *, by: str) -> None:
    """The processor captured it meanwhile, and the processor wins: a refund is a new decision."""
    PaymentTransaction.objects.create(
        payment=payment,
        kind=Kind.CAPTURE,
        succeeded=True,
        amount=seen.captured_amount,
        currency=payment.currency,
        processor_reference=seen.processor_reference,
        actor="processor",
    )
    amounts = fold(payment.transactions.all())
    full = amounts.captured >= payment.authorized_amount
    move(
        payment,
        table=PAYMENT,
        to="captured" if full else "partially_captured",
        by=by,
        reason="the processor says it was captured",
        captured_amount=amounts.captured,
        leased_until=None,
    )
