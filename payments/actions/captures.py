"""POST /v1/payments/{id}/captures, from the claim to the answer."""

import uuid
from typing import Final

from foundation.actions import Reply
from foundation.edge import problems
from foundation.errors import DomainError
from foundation.idempotency import Answer
from payments import representations
from payments.actions import performing
from payments.actions.performing import Caller, Verb
from payments.models import Payment, PaymentTransaction
from payments.refusals import (
    CaptureRefused,
    NotCapturable,
    PaymentAlreadyCaptured,
    PaymentChanged,
    ProcessorDown,
    links,
)
from payments.services import capture, owner, resolve, steps
from payments.states import HELD, TAKEN


def ask_capture(caller: Caller, *, amount: int | None, final: bool) -> Reply:
    """Capture once. 201 with the transaction, 202 while unknown, 402 when refused.

    `amount` in minor units, None for all that is held. Raises what the payment's owner,
    `caller.expects` and `capture.claim` refuse, `KeyReused` and `InProgress`; of these nothing
    is stored.
    """

    def begin(operation_id: uuid.UUID) -> Payment:
        payment = caller.payment
        owner.ask(payment.pk, owner.CAPTURE)
        caller.expects()
        capture.claim_on_record(payment, caller.of(operation_id), amount=amount, final=final)
        return payment

    return performing.perform(CAPTURE, caller, begin=begin)


def _ask(operation_id: uuid.UUID) -> None:
    payment = performing.payment_of(operation_id)
    if payment is not None and payment.state == "capturing":
        resolve.try_now(payment.pk)
    else:
        _push(operation_id)


def _push(operation_id: uuid.UUID) -> None:
    """Send what was put back because the processor could not be reached, as it was claimed."""
    payment = performing.payment_of(operation_id)
    if payment is not None and payment.state in HELD:
        _send_again(payment, operation_id)


def _send_again(payment: Payment, operation_id: uuid.UUID) -> None:
    """Unless something else is the outcome by now, like its owner's no."""
    try:
        capture.capture(
            payment.pk,
            by=payment.claimed_by,
            source=payment.claimed_source,
            amount=payment.claimed_amount,
            final=payment.claimed_final,
            operation_id=operation_id,
        )
    except DomainError:
        if _outcome(operation_id) is None:
            raise


def _outcome(operation_id: uuid.UUID) -> Answer | None:
    rows = PaymentTransaction.objects.select_related("payment")
    done = rows.filter(pk=operation_id).first()
    if done is None:
        return _without_end(performing.payment_of(operation_id))
    if done.succeeded:
        body = representations.transaction_of(done)
        return performing.final(201, body, f"{performing.url(done.payment)}/transactions")
    refused = CaptureRefused(
        "The hold stands, and may be captured again.", decline_code=done.error_code
    )
    return performing.refusal(refused, done.payment)


def _without_end(payment: Payment | None) -> Answer | None:
    """No transaction: it is open, or something else became of the hold before it was sent."""
    if payment is None:
        return problems.answer(PaymentChanged("Nothing was sent for this request."))
    if payment.state == "capturing":
        return None
    if payment.state in HELD:
        forbidden = owner.refusal(payment.pk, owner.CAPTURE) or _too_late(payment)
        return performing.refusal(forbidden, payment) if forbidden else None
    if payment.state in TAKEN:
        taken = PaymentAlreadyCaptured("Not by this request.", **links(payment))
        return performing.refusal(taken, payment)
    return performing.refusal(NotCapturable(f"It is {payment.state}."), payment)


def _too_late(payment: Payment) -> PaymentChanged | None:
    """Put back, and then a part was taken elsewhere: what was claimed is not there any more."""
    why = capture.cannot_be_sent(payment)
    return PaymentChanged(f"Nothing was sent for this request. {why}") if why else None


def _pending(operation_id: uuid.UUID) -> Answer:
    payment = Payment.objects.get(claimed_id=operation_id)
    if payment.state != "capturing":
        return _not_sent(payment)
    amount, wish = payment.claimed_amount, steps.claimed(payment)
    awaited = steps.row(payment, steps.Kind.CAPTURE, amount, wish)
    body = representations.transaction_of(awaited, status="pending")
    return performing.for_now(body, performing.url(payment))


def _not_sent(payment: Payment) -> Answer:
    detail = "Nothing was sent. The same key goes on; without you it is sent within minutes."
    down = ProcessorDown(detail, headers={"Retry-After": "5"}, charge_state="not_charged")
    return performing.refusal(down, payment)


CAPTURE: Final = Verb("payment_capture", capture.send, _ask, _push, _outcome, _pending)
