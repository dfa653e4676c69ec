"""Settle: take what is held. Claimed before the processor is called, closed after.

A worker that dies between leaves the payment `capturing` under a lease; whoever comes after
the lease asks the processor first, and sends again only what is proven not to have happened.
"""

import uuid
from collections.abc import Callable
from functools import partial

from django.conf import settings

from foundation import clock
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from payments.models import Payment
from payments.processors import processor
from payments.processors.base import ProcessorPayment
from payments.services import steps
from payments.services.ask import Answer, ask
from payments.services.authorize import look_up
from payments.states import PAYMENT


def capture(payment_id: uuid.UUID, *, by: str) -> Payment:
    """Take all that is held. Run twice, or by two at once, it is done once.

    Returns the payment: `captured`, or `capturing` while somebody else is at it or the
    outcome is unknown (the sweep settles that), or whatever else became of the hold.
    """
    payment = Payment.objects.get(pk=payment_id)
    if payment.state != "authorized":
        return payment
    try:
        with durable():
            _claim(payment, by=by)
        answer = _capture_call(payment)()
        close(payment, answer, by=by)
    except IllegalTransition:
        payment.refresh_from_db()  # somebody else was faster
    return payment


def settle_claimed(payment: Payment, *, by: str) -> None:
    """Finish a capture whose holder is gone: look first, and only then send again.

    The caller has taken the payment's lease over. A look-up without an answer changes nothing.
    """
    found = look_up(payment)()
    if found.payment is None:
        return
    if found.payment.status == "authorized":
        with durable():
            _count_attempt(payment)
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


def _count_attempt(payment: Payment) -> None:
    """The last attempt is proven dead, and its refusal may be stored under its key.

    A new number can not take twice: a hold can be taken once only.
    """
    payment.step_attempt += 1
    payment.save(update_fields=["step_attempt"])


def _capture_call(payment: Payment) -> Callable[[], Answer]:
    call = partial(
        processor(payment.processor).capture,
        processor_reference=payment.processor_reference,
        amount=payment.authorized_amount,
        key=payment.processor_key("capture", payment.step_attempt),
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
            steps.leave(payment, to="authorized", by=by, reason="not sent: processor unavailable")


def _record(payment: Payment, seen: ProcessorPayment, *, by: str, code: str) -> None:
    if seen.status == "captured":
        steps.captured(payment, seen, by=by)
    elif seen.status == "canceled":
        # The hold died at the processor before we took it: expired, or released by somebody.
        tell, reason = ["payment.capture_refused"], code or "the hold is gone"
        steps.leave(payment, to="expired", by=by, tell=tell, reason=reason)
    elif seen.status == "authorized":
        _put_back(payment, by=by, code=code)


def _put_back(payment: Payment, *, by: str, code: str) -> None:
    row = steps.refused(payment, kind=steps.Kind.CAPTURE, code=code, by=by)
    steps.leave(
        payment,
        to="authorized",
        by=by,
        row=row,
        tell=["payment.capture_refused"],
        reason=f"capture refused: {code}",
        step_attempt=payment.step_attempt + 1,
    )
