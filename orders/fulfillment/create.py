"""A shipment of some of what is owed, before it leaves."""

import uuid
from collections.abc import Mapping
from typing import Final

from events import outbox
from foundation.state_machine import move
from orders.fulfillment import cover, owe, rows
from orders.models import Fulfillment, FulfillmentLine, Order, OrderLine
from orders.refusals import FulfillmentNotCovered, OrderNotFulfillable, QuantityNotOwed
from orders.states import FULFILLMENT

SHIPMENTS_MAX: Final = 1_000  # of one order, canceled ones included: all of them are read at once


def create(
    order_id: uuid.UUID, units: Mapping[str, int], *, fulfillment_id: uuid.UUID, by: str
) -> Fulfillment:
    """Take units (SKU → quantity, above zero) out of what is owed into a pending shipment.

    Inside the caller's transaction. Raises `OrderNotFulfillable`, `FulfillmentNotCovered`,
    `PaymentInProgress` and `QuantityNotOwed`.
    """
    order = rows.locked(order_id)
    rows.refuse_unless_fulfillable(order)
    _refuse_one_too_many(order)
    cover.refuse_while_in_doubt(order.payment)
    if cover.covered_amount(order.payment) == 0:
        raise FulfillmentNotCovered(
            f"The payment is {order.payment.state}: nothing is held or taken.",
            reason="not_covered",
            payment=order.payment.reference,
            payment_status=order.payment.state,
        )
    if order.state == "placed":
        owe.begin(order, by=by)
    _take_out(order, units, by=by)
    return _open(order, units, fulfillment_id)


def _refuse_one_too_many(order: Order) -> None:
    """Whoever makes and cancels shipments in a loop stops here. Raises `OrderNotFulfillable`."""
    if rows.next_sequence(order) > SHIPMENTS_MAX:
        raise OrderNotFulfillable(
            f"It had {SHIPMENTS_MAX} shipments, and no more are made: ship what is pending.",
            order=order.reference,
            order_status=order.state,
        )


def _take_out(order: Order, units: Mapping[str, int], *, by: str) -> None:
    """Raises `QuantityNotOwed` with a pointer for every SKU of which so much is not left."""
    open_one = order.fulfillments.filter(is_automatic=True, state="pending").first()
    parts = {} if open_one is None else _by_sku(open_one)
    left = {sku: part.quantity for sku, part in parts.items()}
    errors = [
        {
            "pointer": f"/lines/{position}/quantity",
            "code": "not_owed",
            "detail": f"{left.get(sku, 0)} of {sku} are left to be shipped.",
        }
        for position, (sku, quantity) in enumerate(units.items())
        if quantity > left.get(sku, 0)
    ]
    if open_one is None or errors:
        raise QuantityNotOwed("Not so much is left to be shipped.", errors=errors)
    for sku, quantity in units.items():
        _shrink(parts[sku], quantity)
    if not open_one.lines.exists():
        reason = "all of it was given to other shipments"
        move(open_one, table=FULFILLMENT, to="canceled", by=by, reason=reason)
        told = rows.told("fulfillment.canceled", order, open_one)
        outbox.record(order.checkout_id, [told], client_id=order.client_id)


def _by_sku(fulfillment: Fulfillment) -> dict[str, FulfillmentLine]:
    return {part.order_line.sku: part for part in fulfillment.lines.select_related("order_line")}


def _shrink(part: FulfillmentLine, quantity: int) -> None:
    part.quantity -= quantity
    if part.quantity:
        part.save(update_fields=["quantity"])
    else:
        part.delete()


def _open(order: Order, units: Mapping[str, int], fulfillment_id: uuid.UUID) -> Fulfillment:
    fulfillment = Fulfillment.objects.create(
        id=fulfillment_id, order=order, sequence=rows.next_sequence(order), is_automatic=False
    )
    lines: dict[str, OrderLine] = {line.sku: line for line in order.lines.all()}
    FulfillmentLine.objects.bulk_create(
        FulfillmentLine(fulfillment=fulfillment, order_line=lines[sku], quantity=quantity)
        for sku, quantity in units.items()
    )
    outbox.record(
        order.checkout_id,
        [rows.told("fulfillment.created", order, fulfillment)],
        client_id=order.client_id,
    )
    return fulfillment
