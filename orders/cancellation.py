"""An order whose hold was released will not ship: its stock is for sale again."""

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
    with durable():
        try:
            move(
                order,
                table=ORDER,
                to="canceled",
                by=BY,
                reason="payment voided",
                only_from=_CANCELABLE,
                next_step_at=None,
            )
            _cancel_shipments(order)
        except IllegalTransition:
            return False
        inventory.release(order.checkout_id, states=("committed",))
        facts = {"order": order.reference, "order_id": str(order.pk)}
        outbox.record(order.checkout_id, [Event("order.canceled", facts)])
    return True


def _cancel_shipments(order: Order) -> None:
    """Raises `IllegalTransition` when something is on its way already."""
    for fulfillment in Fulfillment.objects.filter(order=order).exclude(state="canceled"):
        move(fulfillment, table=FULFILLMENT, to="canceled", by=BY, reason="payment voided")
