"""A hold is about to die: take it, ask for a new one, or let it go and wait for money.

Nothing is captured that the policy does not allow, nothing is shipped uncovered, and no hold is
left to lapse that could have been released (an unused one costs a fee at the card networks).
"""

import logging
import uuid
from typing import Final, Literal

from django.conf import settings

from foundation.errors import DomainError
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from orders import settlement
from orders.cancellation import coverage
from orders.fulfillment import rows
from orders.models import Order
from orders.repayment import ask_again
from payments.models import Source
from payments.services import capture, void
from payments.states import HELD

_log = logging.getLogger(__name__)
BY: Final = "system:expiry"
_REASON: Final = "the hold would have died soon"
_ASKS_NO_MORE: Final = ("payment_required", "completed", "canceled")
Plan = Literal["nothing", "capture", "reauthorize", "release"]


def plan(order: Order) -> Plan:
    """What will be done with the order's hold when its time is nearly up."""
    payment = order.payment
    if payment.state not in HELD or order.state == "canceling":
        return "nothing"
    if order.state in ("canceled", "payment_required"):
        return "release"
    may_ask = settings.EXPIRY_REAUTHORIZE and payment.state == "authorized"
    if settlement.due_at_the_last(order) is not None:
        return "reauthorize" if may_ask and _is_hopeless(order) else "capture"
    return "reauthorize" if may_ask else "release"


def _is_hopeless(order: Order) -> bool:
    """In its last hours the capture was refused, and nothing of it was taken: a new hold may be
    captured where this one is not. Of an order that is over no new one can be asked for."""
    payment = order.payment
    if payment.expiry_due_at is None or payment.captured_amount or order.state == "completed":
        return False
    return capture.was_refused(payment.pk)


def act(payment_id: uuid.UUID) -> None:
    """Carry the plan out for the order of a hold whose last hours have begun.

    Run twice, or after a crash, it goes on from the rows; until the hold is settled one way or
    the other the order is watched. A warning alone is no reason to act.
    """
    orders = Order.objects.select_related("payment").filter(payment_id=payment_id)
    order = orders.filter(payment__expiry_due_at__isnull=False).first()
    if order is None or plan(order) == "nothing":
        return
    unwatched = Order.objects.filter(pk=order.pk, next_step_at__isnull=True)
    unwatched.update(next_step_at=from_now(settings.STALLED_AFTER_SECONDS))
    try:
        _carry_out(plan(order), order)
    except DomainError as refusal:
        _log.warning("expiry: %s is tried again: %s", order, refusal)


def _carry_out(chosen: Plan, order: Order) -> None:
    if chosen == "capture":
        settlement.settle_before_it_is_too_late(order.pk)
    elif chosen == "reauthorize":
        ask_again(order.pk, by=BY, reason=_REASON, source=Source.SYSTEM)
    else:
        _let_go(order.pk, order.payment_id)


def _let_go(order_id: uuid.UUID, payment_id: uuid.UUID) -> None:
    """First the order knows that it has to be paid for again, then the hold is released."""
    try:
        with durable():
            order = rows.locked(order_id)
            if order.state not in _ASKS_NO_MORE:
                coverage.stop_for_payment(order, reason=_REASON)
    except IllegalTransition:
        return  # it is over, or being canceled: not ours any more
    void.void(payment_id, by=BY, reason=_REASON, source=Source.SYSTEM)
