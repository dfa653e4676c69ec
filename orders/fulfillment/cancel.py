"""A shipment that will not leave: its units are owed again, or never will be."""

from events import outbox
from foundation.state_machine import move
from orders.fulfillment import owe, rows
from orders.models import Fulfillment, Order
from orders.refusals import FulfillmentStateConflict
from orders.states import FULFILLMENT


def cancel(order: Order, fulfillment: Fulfillment, *, by: str, reason: str = "") -> None:
    """pending → canceled; its units go back to what is owed, their stock stays committed.

    In the caller's transaction, under the order's lock. Raises `OrderNotFulfillable`,
    `FulfillmentStateConflict` for the automatic one, and `IllegalTransition`.
    """
    rows.refuse_unless_fulfillable(order)
    if fulfillment.is_automatic:
        raise FulfillmentStateConflict(
            "This is what is left to be shipped. To ship none of it, cancel the order.",
            fulfillment_status=fulfillment.state,
        )
    _stop(order, fulfillment, by=by, reason=reason)
    parts = fulfillment.lines.values_list("order_line_id", "quantity")
    owe.owe(order, dict(parts))


def cancel_pending(order: Order, *, by: str, reason: str) -> None:
    """Nothing of the order is owed any more, in the caller's transaction; a repeat is a no-op."""
    for fulfillment in order.fulfillments.filter(state="pending"):
        _stop(order, fulfillment, by=by, reason=reason)


def _stop(order: Order, fulfillment: Fulfillment, *, by: str, reason: str) -> None:
    move(fulfillment, table=FULFILLMENT, to="canceled", by=by, reason=reason)
    outbox.record(
        order.checkout_id,
        [rows.told("fulfillment.canceled", order, fulfillment)],
        client_id=order.client_id,
    )
