"""It arrived."""

from events import outbox
from foundation import clock
from foundation.state_machine import move
from orders.fulfillment import rows
from orders.models import Fulfillment, Order
from orders.states import FULFILLMENT


def deliver(order: Order, fulfillment: Fulfillment, *, by: str, reason: str = "") -> None:
    """shipped → delivered, in the caller's transaction.

    Raises `IllegalTransition` for a shipment that is not on its way.
    """
    move(
        fulfillment,
        table=FULFILLMENT,
        to="delivered",
        by=by,
        reason=reason,
        delivered_at=clock.now(),
    )
    outbox.record(
        order.checkout_id,
        [rows.told("fulfillment.delivered", order, fulfillment)],
        client_id=order.client_id,
    )
