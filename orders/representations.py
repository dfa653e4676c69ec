"""How checkouts, orders and payments look on the wire. One shape each, wherever it is shown."""

from collections.abc import Iterable
from typing import Any

from foundation.ids import public
from orders.models import (
    Cancellation,
    Checkout,
    Fulfillment,
    Order,
    OrderLine,
    StockAdjustment,
    StockItem,
)
from payments.representations import moment, money
from payments.representations import payment as payment_shape

_FULFILLMENT_STATUS = {
    "pending": "unfulfilled",
    "shipped": "fulfilled",
    "delivered": "fulfilled",
    "canceled": "unfulfilled",
}


def checkout(row: Checkout, *, is_placed_now: bool = False) -> dict[str, Any]:
    """A checkout, with its order and payment once they exist.

    `is_placed_now`: in the transaction that placed the order, of which nothing was shipped yet.
    """
    body: dict[str, Any] = {
        "id": row.reference,
        "status": _public_status(row.state),
        "cart_id": row.cart_id,
        "total": money(row.total_amount, row.currency),
        "created_at": moment(row.started_at),
    }
    if row.state == "completed":
        placed = row.order
        body["order"] = (
            order(placed, lines=list(placed.lines.all())) if is_placed_now else whole_order(placed)
        )
    if row.payment is not None:
        body["payment"] = payment_shape(row.payment)
    if row.state == "requires_action" and row.payment is not None:
        body["next_action"] = row.payment.next_action
    if row.refusal is not None:
        body["refusal"] = {"code": row.refusal["code"], "detail": row.refusal["detail"]}
    return body


def _public_status(state: str) -> str:
    """The states a client can act on; which of our steps is at work is not its concern."""
    if state in ("started", "authorizing", "unknown", "compensating", "needs_attention"):
        return "processing"
    return "failed" if state == "compensated" else state


def whole_order(row: Order) -> dict[str, Any]:
    """An order as it is now, with its shipments and its cancellation."""
    return order(
        row,
        lines=row.lines.all(),
        fulfillments=row.fulfillments.all(),
        canceled=getattr(row, "cancellation", None),
    )


def order_with_origin(row: Order) -> dict[str, Any]:
    """The same, with where it came from."""
    return whole_order(row) | {"attribution": attribution(row)}


def order(
    row: Order,
    *,
    lines: Iterable[OrderLine],
    fulfillments: Iterable[Fulfillment] = (),
    canceled: Cancellation | None = None,
) -> dict[str, Any]:
    """An order with its lines, and how its cancellation stands if somebody asked for one."""
    currency = row.currency
    return {
        "id": row.reference,
        "number": row.public_number,
        "status": row.state,
        "payment_status": row.payment.state,
        "fulfillment_status": fulfillment_status(fulfillments, lines),
        "checkout": row.checkout.reference,
        "payment": row.payment.reference,
        "cart_id": row.cart_id,
        "customer": {"reference": row.customer_reference, "email": row.email},
        "lines": [order_line(line, currency) for line in lines],
        "subtotal": money(row.subtotal_amount, currency),
        "tax": money(row.tax_amount, currency),
        "shipping": money(row.shipping_amount, currency),
        "total": money(row.total_amount, currency),
        "shipping_method": row.shipping_method,
        "shipping_address": row.shipping_address,
        "billing_address": row.billing_address,
        "metadata": row.metadata,
        "settlement": {"policy": row.settlement_policy, "not_before": moment(row.settle_at)},
        "cancellation": None if canceled is None else cancellation(canceled),
        "placed_at": moment(row.placed_at),
    }


def cancellation(row: Cancellation) -> dict[str, Any]:
    """How far the undoing of an order came, and what became of its money."""
    return {
        "status": "completed" if row.state == "completed" else "processing",
        "payment_action": row.payment_action or None,
        "requested_at": moment(row.started_at),
        "completed_at": moment(row.ended_at),
    }


def fulfillment(row: Fulfillment) -> dict[str, Any]:
    """One shipment, or what is left to be shipped (`automatic`)."""
    parts = sorted(row.lines.all(), key=lambda part: part.order_line.position)
    return {
        "id": row.reference,
        "order": public("ord", row.order_id),
        "status": row.state,
        "automatic": row.is_automatic,
        "lines": [{"sku": part.order_line.sku, "quantity": part.quantity} for part in parts],
        "carrier": row.carrier or None,
        "tracking_number": row.tracking_number or None,
        "created_at": moment(row.created_at),
        "shipped_at": moment(row.shipped_at),
        "delivered_at": moment(row.delivered_at),
    }


def inventory_item(row: StockItem) -> dict[str, Any]:
    """What lies on the shelf of one SKU, what of it is promised, and what may be sold."""
    return {
        "sku": row.sku,
        "on_hand": row.on_hand,
        "reserved": row.reserved,
        "available": row.available,
    }


def adjustment(row: StockAdjustment) -> dict[str, Any]:
    """One change of a shelf by hand, with how many lay there afterwards."""
    return {
        "id": row.reference,
        "sku": row.item.sku,
        "delta": row.delta,
        "on_hand": row.on_hand_after,
        "reason": row.reason,
        "created_at": moment(row.created_at),
    }


def order_line(line: OrderLine, currency: str) -> dict[str, Any]:
    """One line, with the tax it was sold at (rate in parts per million)."""
    return {
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "unit_price": money(line.unit_amount, currency),
        "net": money(line.net_amount, currency),
        "tax": money(line.tax_amount, currency),
        "tax_rate_ppm": line.tax_rate_ppm,
        "tax_jurisdiction": line.tax_jurisdiction,
        "tax_inclusive": line.tax_inclusive,
    }


def fulfillment_status(fulfillments: Iterable[Fulfillment], lines: Iterable[OrderLine]) -> str:
    """The axis of what was shipped, apart from the business state."""
    rows = list(fulfillments)
    live = [f for f in rows if f.state != "canceled"]
    kinds = {_FULFILLMENT_STATUS[f.state] for f in live}
    if kinds == {"fulfilled"}:
        return "partial" if len(live) < len(rows) and _lacks_units(live, lines) else "fulfilled"
    return "partial" if len(kinds) > 1 else "unfulfilled"


def _lacks_units(shipments: Iterable[Fulfillment], lines: Iterable[OrderLine]) -> bool:
    """What was canceled is shipped by none of these: the order waits for money, or ended so."""
    shipped = sum(part.quantity for shipment in shipments for part in shipment.lines.all())
    return shipped < sum(line.quantity for line in lines)


def attribution(row: Order) -> dict[str, Any]:
    """Where the order came from, as far as it is known."""
    seen = row.attribution
    return {
        "source": seen.source,
        "medium": seen.medium,
        "campaign": seen.campaign,
        "referrer_host": seen.referrer_host,
        "landing_page": seen.landing_page,
        "click_ids": seen.click_ids,
        "session_id": seen.session_id,
        "client_id": seen.client_id,
        "consent": seen.consent,
    }
