"""The pivot: an order, in the transaction that also completes its key."""

from typing import Final

from django.conf import settings

from attribution.models import Attribution
from attribution.services import snapshot
from events import outbox
from events.outbox import Event
from foundation import rows
from foundation.idempotency import from_now
from orders import inventory
from orders.models import Checkout, Order, OrderLine

_LINE_FIELDS: Final = (
    "sku", "title", "quantity", "unit_amount", "net_amount", "tax_amount", "tax_rate_ppm",
    "tax_jurisdiction", "tax_inclusive",
)  # fmt: skip


class StockGone(RuntimeError):
    """Fewer holds than lines at the pivot: an invariant is broken, and nothing may be placed."""


def place(checkout: Checkout) -> Order:
    """Create the order of an authorized checkout, inside the caller's transaction.

    Everything it needs was validated before the hold, so nothing here can refuse.
    """
    touch = dict(checkout.attribution)
    seen = snapshot(touch, referrer=touch.pop("request_referrer", ""))
    order = _order(checkout, seen)
    lines = [
        OrderLine(order=order, position=position, **{name: line[name] for name in _LINE_FIELDS})
        for position, line in enumerate(checkout.lines, start=1)
    ]
    rows.insert(seen, order, *lines)
    if inventory.commit(checkout.pk) != len(lines):
        raise StockGone(f"{checkout.reference}: not every line is held")
    outbox.record(checkout.pk, _events(order))
    _show_without_asking(checkout, order, lines)
    return order


def _order(checkout: Checkout, seen: Attribution) -> Order:
    return Order(
        id=checkout.order_id,
        client_id=checkout.client_id,
        checkout=checkout,
        payment=checkout.payment,
        attribution=seen,
        cart_id=checkout.cart_id,
        customer_reference=checkout.customer_reference,
        email=checkout.email,
        currency=checkout.currency,
        subtotal_amount=checkout.subtotal_amount,
        tax_amount=checkout.tax_amount,
        shipping_amount=checkout.shipping_amount,
        total_amount=checkout.total_amount,
        shipping_method=checkout.shipping_method,
        shipping_address=checkout.shipping_address,
        billing_address=checkout.billing_address,
        metadata=checkout.metadata,
        next_step_at=from_now(settings.STALLED_AFTER_SECONDS),
    )


def _events(order: Order) -> list[Event]:
    payment = order.payment
    return [
        Event("payment.authorized", {"payment": payment.reference, "payment_id": str(payment.pk)}),
        Event(
            "order.placed",
            {
                "order": order.reference,
                "order_id": str(order.pk),
                "payment_id": str(payment.pk),
            },
        ),
    ]


def _show_without_asking(checkout: Checkout, order: Order, lines: list[OrderLine]) -> None:
    """The answer is built from what was just written; it need not be read back."""
    checkout.order = order
    order._prefetched_objects_cache = {"lines": lines}  # type: ignore[attr-defined]  # noqa: SLF001
