"""What an order does when its hold is gone: released, it is canceled; dead, it waits for money."""

import uuid

from events import outbox
from events.outbox import Event
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from orders import inventory
from orders.models import Fulfillment, Order
from orders.states import FULFILLMENT, ORDER

BY = "system:cancellation"
_CANCELABLE = ("placed", "on_hold", "payment_required", "fulfilling")


def cancel_for_void(payment_id: uuid.UUID) -> bool:
    """Cancel the order of a voided payment; False when there is none, or it is over already.

    An order of which something was shipped is left alone: that is for a person to decide.
    """
    order = Order.objects.filter(payment_id=payment_id, payment__state="voided").first()
    if order is None:
        return False
    try:
        with durable():
            _cancel(order)
    except IllegalTransition:
        return False
    return True


def _cancel(order: Order) -> None:
    """All of it or, when something is on its way already, none of it."""
    reason = "payment voided"
    move(
        order,
        table=ORDER,
        to="canceled",
        by=BY,
        reason=reason,
        only_from=_CANCELABLE,
        next_step_at=None,
    )
    cancel_shipments(order, by=BY, reason=reason)
    inventory.release(order.checkout_id, states=("committed",))
    facts = {"order": order.reference, "order_id": str(order.pk)}
    outbox.record(order.checkout_id, [Event("order.canceled", facts)])


def require_payment(payment_id: uuid.UUID) -> bool:
    """The hold died untaken: nothing ships until it is paid for again. False when it does not.

    The stock stays with the order: whether to ask for another card or to let go is a decision.
    """
    order = Order.objects.filter(payment_id=payment_id, payment__state="expired").first()
    if order is None:
        return False
    try:
        with durable():
            _stop_for_payment(order)
    except IllegalTransition:
        return False
    return True


def _stop_for_payment(order: Order) -> None:
    reason = "the authorization died before it was captured"
    move(order, table=ORDER, to="payment_required", by=BY, reason=reason, next_step_at=None)
    cancel_shipments(order, by=BY, reason=reason)
    facts = {"order": order.reference, "order_id": str(order.pk)}
    outbox.record(order.checkout_id, [Event("order.payment_required", facts)])


def follow_payment(payment_id: uuid.UUID) -> None:
    """Bring an order in line with what became of its payment; a repeat changes nothing."""
    if not cancel_for_void(payment_id):
        require_payment(payment_id)


def cancel_shipments(order: Order, *, by: str, reason: str) -> None:
    """Raises `IllegalTransition` when something is on its way already."""
    for fulfillment in Fulfillment.objects.filter(order=order).exclude(state="canceled"):
        move(fulfillment, table=FULFILLMENT, to="canceled", by=by, reason=reason)
