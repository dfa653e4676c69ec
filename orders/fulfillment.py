"""What the warehouse owes: created once, and only for an order whose money is covered."""

import uuid

from events import outbox
from events.outbox import Event
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from orders.models import Fulfillment, FulfillmentLine, Order
from orders.states import ORDER
from payments.states import COVERS_SHIPMENT

BY = "system:fulfillment"


def fulfill(order_id: uuid.UUID) -> Fulfillment | None:
    """placed → fulfilling, with one pending shipment of every line; a repeat is a no-op.

    Returns None when the order is not to be shipped: canceled, on its way already, or not
    covered by a live hold or a capture.
    """
    with durable():
        order = Order.objects.select_related("payment", "checkout").get(pk=order_id)
        if order.payment.state not in COVERS_SHIPMENT:
            return None
        try:
            move(order, table=ORDER, to="fulfilling", by=BY, only_from=("placed",))
        except IllegalTransition:
            return None
        fulfillment = Fulfillment.objects.create(order=order)
        FulfillmentLine.objects.bulk_create(
            FulfillmentLine(fulfillment=fulfillment, order_line=line, quantity=line.quantity)
            for line in order.lines.all()
        )
        facts = {"order": order.reference, "fulfillment": fulfillment.reference}
        outbox.record(order.checkout_id, [Event("fulfillment.created", facts)])
    return fulfillment
