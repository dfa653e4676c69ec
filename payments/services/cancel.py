"""Undo a payment, whatever became of it: release what is held, give back what was taken.

Written to be called again after any crash: every call reads the rows and does what is left.
"""

import uuid
from dataclasses import dataclass
from typing import Final, Literal

from django.db.models import QuerySet

from payments.models import Payment, Refund, Source
from payments.refusals import (
    AmountExceedsRefundable,
    NotVoidable,
    PaymentDisputed,
    PaymentInProgress,
)
from payments.services import refund, resolve, void
from payments.states import IN_DOUBT

Action = Literal["none", "voided", "refunded", "void_and_refund"]
Progress = Literal["settled", "in_progress", "refused"]
_STEPS_MAX: Final = 4  # settle what is in doubt, release, give back, and look once more


@dataclass(frozen=True)
class Cancellation:
    """How far the undoing came.

    `action` says what was done, or is being done. `in_progress` goes on by itself; call again to
    hear the end. `refused`: the processor, or an open dispute, keeps the money where it is, and a
    person must decide; `detail` says why.
    """

    payment: Payment
    progress: Progress
    action: Action
    detail: str = ""


def cancel_payment(
    payment_id: uuid.UUID, *, by: str, reason: str, source: str = Source.SYSTEM
) -> Cancellation:
    """Release the hold and refund what was captured, each once, however often this is called.

    No transaction may be open.
    """
    refused, asked = "", False
    for _ in range(_STEPS_MAX):
        payment = Payment.objects.get(pk=payment_id)
        if payment.state in ("authorized", "partially_captured", "requires_action"):
            _release(payment, by=by, reason=reason, source=source)
        elif _is_in_doubt(payment) and not asked:
            asked = True
            _ask(payment)
        elif payment.refundable and payment.state not in IN_DOUBT and not refused:
            refused = _give_back(payment, by=by, reason=reason, source=source)
        else:
            break
    return _report(payment_id, refused)


def _is_in_doubt(payment: Payment) -> bool:
    return payment.state in IN_DOUBT or _unsent(payment).exists()


def _unsent(payment: Payment) -> QuerySet[Refund]:
    """Refunds that the processor is not known to have. One that it has is out of our hands."""
    return Refund.objects.filter(payment=payment, state="pending", processor_reference="")


def _ask(payment: Payment) -> None:
    """What is in doubt is not done twice: first its outcome is asked for."""
    resolve.try_now(payment.pk)
    for made in _unsent(payment):
        resolve.try_refund_now(made.pk)


def _release(payment: Payment, *, by: str, reason: str, source: str) -> None:
    try:
        void.void(payment.pk, by=by, reason=reason, source=source)
    except NotVoidable:
        return  # somebody was faster; the row says what is left to do


def _give_back(payment: Payment, *, by: str, reason: str, source: str) -> str:
    """Refund all that is left; why it was refused, or ""."""
    try:
        made = refund.refund(payment.pk, by=by, reason=reason, source=source)
    except PaymentDisputed as disputed:
        return disputed.detail
    except (PaymentInProgress, AmountExceedsRefundable):
        return ""  # somebody was faster; the row says what is left to do
    return made.failure_code if made.state == "failed" else ""


def _report(payment_id: uuid.UUID, refused: str) -> Cancellation:
    payment = Payment.objects.get(pk=payment_id)
    action = _action(payment)
    if refused:
        return Cancellation(payment, "refused", action, refused)
    is_held = payment.state in ("authorizing", "unknown", "authorized", "partially_captured")
    is_open = is_held or _is_in_doubt(payment) or payment.refundable
    return Cancellation(payment, "in_progress" if is_open else "settled", action)


def _action(payment: Payment) -> Action:
    is_refund = payment.refunded_amount or payment.refund_pending_amount
    is_void = payment.voided_amount or payment.state == "voiding"
    if is_refund and is_void:
        return "void_and_refund"
    if is_refund:
        return "refunded"
    return "voided" if is_void else "none"
