"""It left the house: the stock is consumed, and whoever takes the money is told."""

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation import clock
from foundation.idempotency import from_now
from foundation.state_machine import move
from orders import inventory
from orders.fulfillment import cover, rows
from orders.models import Fulfillment, Order
from orders.states import FULFILLMENT, ORDER


def ship(order: Order, fulfillment: Fulfillment, *, by: str, reason: str = "") -> None:
    """pending → shipped, in the caller's transaction and under the order's lock.

    The committed stock of its units is consumed; the order is `completed` once nothing is owed.
    Raises `OrderNotFulfillable`, `FulfillmentNotCovered`, and `IllegalTransition` for a shipment
    that is not pending.
    """
    rows.refuse_unless_fulfillable(order)
    cover.refuse_unless_covered(order, fulfillment)
    shipped_at = clock.now()
    move(fulfillment, table=FULFILLMENT, to="shipped", by=by, reason=reason, shipped_at=shipped_at)
    inventory.consume(order.checkout_id, _units(fulfillment))
    news = [rows.told("fulfillment.shipped", order, fulfillment)]
    if _go_on(order, by=by) == "completed":
        news.append(Event("order.completed", order.ids))
    outbox.record(order.checkout_id, news, client_id=order.client_id)


def track(fulfillment: Fulfillment, *, carrier: str | None, number: str | None) -> None:
    """Write down whose parcel it is; None leaves what is there."""
    given = {"carrier": carrier, "tracking_number": number}
    changed = {name: value for name, value in given.items() if value is not None}
    for name, value in changed.items():
        setattr(fulfillment, name, value)
    if changed:
        fulfillment.save(update_fields=list(changed))


def _units(fulfillment: Fulfillment) -> dict[str, int]:
    parts = fulfillment.lines.values_list("order_line__sku", "quantity")
    return dict(parts)


def _go_on(order: Order, *, by: str) -> str:
    """Something is due again: the money by policy, and a message to the customer. Its new state."""
    due = from_now(settings.STALLED_AFTER_SECONDS)
    if order.fulfillments.filter(state="pending").exists():
        order.next_step_at, order.stalls = due, 0
        order.save(update_fields=["next_step_at", "stalls"])
        return order.state
    reason = "everything was shipped"
    move(order, table=ORDER, to="completed", by=by, reason=reason, next_step_at=due, stalls=0)
    return order.state
