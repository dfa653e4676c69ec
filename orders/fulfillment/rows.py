"""The rows that every verb of fulfillment reads, under the order's lock, and what it tells."""

import uuid
from typing import Final

from django.db.models import Sum

from events.outbox import Event
from foundation.ids import public
from orders.models import Fulfillment, FulfillmentLine, Order
from orders.refusals import OrderNotFulfillable

ON_ITS_WAY: Final = ("shipped", "delivered")


def locked(order_id: uuid.UUID) -> Order:
    """The order under its row lock, with its payment (not locked) and its checkout.

    Its relations are read once the lock is ours, by a statement of their own: of a join that waited
    PostgreSQL looks at the locked row again, and at the others as they were before the wait. An
    order that was given another hold meanwhile would not be found at all.
    """
    Order.objects.select_for_update(no_key=True).values("pk").get(pk=order_id)
    return Order.objects.select_related("payment", "checkout").get(pk=order_id)


def refuse_unless_fulfillable(order: Order) -> None:
    """Raises `OrderNotFulfillable` for an order that nothing may be shipped of now."""
    if order.state not in ("placed", "fulfilling"):
        raise OrderNotFulfillable(
            f"The order is {order.state}.", order=order.reference, order_status=order.state
        )


def is_under_way(order: Order) -> bool:
    """Whether something of it was shipped."""
    return order.fulfillments.filter(state__in=ON_ITS_WAY).exists()


def shipped_units(order: Order) -> dict[uuid.UUID, int]:
    """Order line → units shipped so far."""
    parts = FulfillmentLine.objects.filter(
        fulfillment__order=order, fulfillment__state__in=ON_ITS_WAY
    )
    summed = parts.order_by().values_list("order_line_id").annotate(units=Sum("quantity"))
    return dict(summed)


def next_sequence(order: Order) -> int:
    """The number of the order's next shipment; safe under the order's lock only."""
    last = order.fulfillments.order_by("-sequence").values_list("sequence", flat=True).first()
    return (last or 0) + 1


def told(event_type: str, order: Order, fulfillment: Fulfillment) -> Event:
    """An event about one shipment, with the ids of all that may follow it."""
    return Event(
        event_type,
        {
            "order": order.reference,
            "order_id": str(order.pk),
            "fulfillment": fulfillment.reference,
            "fulfillment_id": str(fulfillment.pk),
            "payment": public("pay", order.payment_id),
            "payment_id": str(order.payment_id),
        },
    )
