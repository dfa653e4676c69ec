"""What the warehouse owes: created once, and only for an order whose money is covered."""

import uuid
from collections.abc import Mapping
from typing import Final

from events import outbox
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from orders.fulfillment import rows
from orders.models import Fulfillment, FulfillmentLine, Order
from orders.states import ORDER
from payments.states import COVERS_SHIPMENT

BY: Final = "system:fulfillment"


def fulfill(order_id: uuid.UUID) -> Fulfillment | None:
    """placed → fulfilling, with one pending shipment of every line; a repeat is a no-op.

    Returns None when the order is not to be shipped: canceled, on its way already, or not
    covered by a live hold or a capture.
    """
    with durable():
        order = rows.locked(order_id)
        if order.payment.state not in COVERS_SHIPMENT:
            return None
        try:
            return begin(order, by=BY)
        except IllegalTransition:
            return None


def begin(order: Order, *, by: str) -> Fulfillment:
    """placed → fulfilling, all of it owed, in the caller's transaction and under its lock.

    Raises `IllegalTransition` when the order is not (any more) `placed`.
    """
    move(order, table=ORDER, to="fulfilling", by=by, only_from=("placed",))
    return owe(order, {line.pk: line.quantity for line in order.lines.all()})


def owe_the_rest(order: Order) -> Fulfillment:
    """Everything that was not shipped is owed (again), in the caller's transaction."""
    shipped = rows.shipped_units(order)
    left = {line.pk: line.quantity - shipped.get(line.pk, 0) for line in order.lines.all()}
    return owe(order, {line_id: units for line_id, units in left.items() if units})


def owe(order: Order, units: Mapping[uuid.UUID, int]) -> Fulfillment:
    """Put units (order line → quantity) into the pending automatic shipment; made if need be."""
    open_one = order.fulfillments.filter(is_automatic=True, state="pending").first()
    if open_one is None:
        open_one = Fulfillment.objects.create(order=order, sequence=rows.next_sequence(order))
        outbox.record(
            order.checkout_id,
            [rows.told("fulfillment.created", order, open_one)],
            client_id=order.client_id,
        )
    there = {part.order_line_id: part for part in open_one.lines.all()}
    for line_id, quantity in units.items():
        part = there.get(line_id) or FulfillmentLine(
            fulfillment=open_one, order_line_id=line_id, quantity=0
        )
        part.quantity += quantity
        part.save()
    return open_one
