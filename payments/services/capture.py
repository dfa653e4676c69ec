"""Settle: take what is held. Claimed before the processor is called, closed after.

A worker that dies between leaves the payment `capturing` under a lease; whoever comes after
the lease asks the processor first, and sends again only under the same derived key.
"""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation import clock
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from payments.amounts import fold
from payments.models import Payment, PaymentTransaction
from payments.processors import processor
from payments.processors.base import ProcessorPayment
from payments.services.ask import Answer, ask
from payments.services.authorize import look_up
from payments.states import PAYMENT

Kind = PaymentTransaction.Kind


def capture(payment_id: uuid.UUID, *, by: str) -> Payment:
    """Take all that is held. Run twice, or by two at once, it is done once.

    Returns the payment: `captured`, or `capturing` while somebody else is at it or the
    outcome is unknown (the sweep settles that), or whatever else became of the hold.
    """
    payment = Payment.objects.get(pk=payment_id)
    if payment.state != "authorized":
        return payment
    with durable():
        try:
            _claim(payment, by=by)
        except IllegalTransition:
            return Payment.objects.get(pk=payment_id)
    answer = _capture_call(payment)()
    close(payment, answer, by=by)
    return payment


def settle_claimed(payment: Payment, *, by: str) -> None:
    """Finish a capture whose holder is gone: look first, and only then send again.

    The caller has taken the payment's lease over.
    """
    found = look_up(payment)()
    if found.payment is not None and found.payment.status == "authorized":
        found = _capture_call(payment)()
    close(payment, found, by=by)


def _claim(payment: Payment, *, by: str) -> None:
    move(
        payment,
        table=PAYMENT,
        to="capturing",
        by=by,
        only_from=("authorized",),
        lease_token=payment.lease_token + 1,
        leased_until=from_now(settings.PAYMENT_LEASE_SECONDS),
        asked_at=clock.now(),
    )


def _capture_call(payment: Payment) -> Callable[[], Answer]:
    call = partial(
        processor(payment.processor).capture,
        processor_reference=payment.processor_reference,
        amount=payment.authorized_amount,
        key=payment.processor_key("capture"),
    )
    return partial(ask, call)


def close(payment: Payment, answer: Answer, *, by: str) -> None:
    """Store what became of the capture; an unknown outcome leaves it `capturing`."""
    with durable():
        if answer.payment is not None:
            _record(payment, answer.payment, by=by, code=answer.code)
        elif answer.outcome == "refused":
            _put_back(payment, by=by, code=answer.code)
        elif answer.outcome == "unavailable":
            _leave(payment, to="authorized", by=by, reason="not sent: processor unavailable")


def _record(payment: Payment, seen: ProcessorPayment, *, by: str, code: str) -> None:
    if seen.status == "captured":
        _record_capture(payment, seen, by=by)
    elif seen.status == "canceled":
        # The hold died at the processor before we took it: expired, or released by somebody.
        _leave(payment, to="expired", by=by, reason=code or "the hold is gone")
        _tell(payment, "payment.capture_refused")
    elif seen.status == "authorized":
        _put_back(payment, by=by, code=code)


def _record_capture(payment: Payment, seen: ProcessorPayment, *, by: str) -> None:
    PaymentTransaction.objects.create(
        payment=payment,
        kind=Kind.CAPTURE,
        succeeded=True,
        amount=seen.captured_amount,
        currency=seen.currency,
        processor_reference=seen.processor_reference,
        actor=by,
    )
    captured = fold(payment.transactions.all()).captured
    full = captured >= payment.authorized_amount
    state = "captured" if full else "partially_captured"
    _leave(payment, to=state, by=by, captured_amount=captured)
    _tell(payment, "payment.captured")


def _put_back(payment: Payment, *, by: str, code: str) -> None:
    PaymentTransaction.objects.create(
        payment=payment,
        kind=Kind.CAPTURE,
        succeeded=False,
        amount=payment.authorized_amount,
        currency=payment.currency,
        error_code=code[:64],
        actor=by,
    )
    _leave(payment, to="authorized", by=by, reason=f"capture refused: {code}")
    _tell(payment, "payment.capture_refused")


def _leave(
    payment: Payment, *, to: str, by: str, reason: str = "", captured_amount: int | None = None
) -> None:
    changes: dict[str, Any] = (
        {} if captured_amount is None else {"captured_amount": captured_amount}
    )
    move(
        payment,
        table=PAYMENT,
        to=to,
        by=by,
        reason=reason,
        only_from=("capturing",),
        fence={"lease_token": payment.lease_token},
        leased_until=None,
        **changes,
    )


def _tell(payment: Payment, event_type: str) -> None:
    facts = {"payment": payment.reference, "payment_id": str(payment.pk)}
    outbox.record(payment.stream, [Event(event_type, facts)])
