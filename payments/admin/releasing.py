"""Releasing a hold for a person: why it can not be done, by whose word, and what became of it."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest

from foundation import approvals
from foundation.approvals import Verb
from foundation.desk import four_eyes
from foundation.desk.four_eyes import Wish
from foundation.desk.staff import pages_pointing_at, who
from foundation.errors import DomainError
from foundation.models import Approval
from foundation.money import Money
from foundation.state_machine import IllegalTransition
from payments.models import Payment
from payments.services.void import NotVoidable, void

VERB: Final = "Void"
VOID: Final = "payment.void"
_WHY_NOT: Final[Mapping[str, str]] = {
    "authorizing": "The processor has not said yet whether there is a hold.",
    "unknown": "The outcome of the authorization is unknown; the sweep is asking the processor.",
    "requires_action": "The customer has not confirmed yet; unconfirmed holds lapse by themselves.",
    "capturing": "The hold is being captured right now.",
    "captured": "It was captured. Captured money goes back by a refund.",
    "partially_captured": "It was captured in part. Captured money goes back by a refund.",
    "partially_refunded": "It was captured, and refunded in part. The rest goes back by a refund.",
    "refunded": "It was captured and refunded.",
    "disputed": "It was captured, and the customer disputes it.",
    "voiding": "Its hold is being released; the processor has not confirmed it yet.",
    "voided": "Its hold is released already.",
    "declined": "It was declined; nothing is held.",
    "abandoned": "It never happened at the processor; nothing is held.",
    "expired": "Its hold has expired; nothing is held.",
}
_NO_ORDER: Final = "No order stands on it yet: approve or reject its checkout instead."


class NotReleased(DomainError):
    """What was approved can not be done any more."""

    code, status, title = "payment_not_released", 409, "This hold can not be released now"


def why_not(payment: Payment) -> str:
    """Why this payment can not be voided here and now; "" when it can."""
    if payment.state != "authorized":
        return _WHY_NOT.get(payment.state, f"It is {payment.state}.")
    # A hold of an unfinished checkout belongs to that checkout, which must not find it gone.
    return "" if "order" in pages_pointing_at(payment) else _NO_ORDER


def wish(payment: Payment) -> Wish:
    """To release what is held."""
    held = Money(payment.capturable, payment.currency)
    return Wish(VOID, "payment", payment.pk, held)


def release_or_ask(request: HttpRequest, payment: Payment, given: Mapping[str, Any]) -> None:
    """Released, and told what the row says then; or asked for."""
    reason = given["reason"]
    now = partial(_release, request, payment, reason=reason)
    four_eyes.alone_or_asked(request, wish(payment), reason=reason, do=now)


def _release(request: HttpRequest, payment: Payment, *, reason: str) -> None:
    """Call the verb, then tell what the row says now, whoever moved it."""
    try:
        void(payment.pk, by=who(request), reason=reason, asks_owner=True)
        refused = False
    except (NotVoidable, IllegalTransition):
        refused = True  # somebody else was faster, and their move is the one on record
    payment.refresh_from_db()
    if refused:
        messages.error(request, f"You changed nothing. {why_not(payment)}")
    elif payment.state == "voided":
        amount = Money(payment.voided_amount, payment.currency)
        text = f"Voided: the hold of {amount} is released. Its order is being canceled."
        messages.success(request, text)
    elif payment.state == "voiding":
        text = "Still voiding: the processor did not confirm. The sweep finishes it by itself."
        messages.warning(request, text)
    else:
        messages.error(request, f"Not voided. {why_not(payment)}")


def _stands(payment_id: uuid.UUID) -> list[Any]:
    payment = Payment.objects.get(pk=payment_id)
    return [payment.state, payment.lease_token]


def _approved(approval: Approval) -> str:
    payment = Payment.objects.get(pk=approval.aggregate_id)
    reason = approvals.told_reason(approval)
    try:
        void(payment.pk, by=approval.asked_by, reason=reason, asks_owner=True)
    except (NotVoidable, IllegalTransition) as faster:
        payment.refresh_from_db()
        raise NotReleased(why_not(payment)) from faster
    payment.refresh_from_db()
    return f"The payment is {payment.state}."


approvals.register(VOID, Verb("Void", "payments.void_payment", _stands, _approved))
