"""How checkouts, orders and payments look on the wire. One shape each, wherever it is shown."""

from collections.abc import Iterable
from typing import Any

from orders.models import Checkout, Fulfillment, Order, OrderLine
from payments.representations import moment, money
from payments.representations import payment as payment_shape

_FULFILLMENT_STATUS = {
    "pending": "unfulfilled",
    "shipped": "fulfilled",
    "delivered": "fulfilled",
    "canceled": "unfulfilled",
}


def checkout(row: Checkout) -> dict[str, Any]:
    """A checkout, with its order and payment once they exist."""
    body: dict[str, Any] = {
        "id": row.reference,
        "status": _public_status(row.state),
        "cart_id": row.cart_id,
        "total": money(row.total_amount, row.currency),
        "created_at": moment(row.started_at),
    }
    if row.state == "completed":
        placed = row.order
        body["order"] = order(placed, lines=list(placed.lines.all()))
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


def order(
    row: Order, *, lines: Iterable[OrderLine], fulfillments: Iterable[Fulfillment] = ()
) -> dict[str, Any]:
    """An order with its lines."""
    currency = row.currency
    return {
        "id": row.reference,
        "number": row.public_number,
        "status": row.state,
        "payment_status": row.payment.state,
        "fulfillment_status": fulfillment_status(fulfillments),
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
        "placed_at": moment(row.placed_at),
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


def fulfillment_status(fulfillments: Iterable[Fulfillment]) -> str:
    """The axis of what was shipped, apart from the business state."""
    kinds = {_FULFILLMENT_STATUS[f.state] for f in fulfillments if f.state != "canceled"}
    if kinds == {"fulfilled"}:
        return "fulfilled"
    return "partial" if len(kinds) > 1 else "unfulfilled"


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
