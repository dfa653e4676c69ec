"""The pivot: an order, in the transaction that also completes its key."""

import datetime as dt
from typing import Final

from django.conf import settings

from attribution.models import Attribution
from attribution.services import snapshot
from events import outbox
from events.outbox import Event
from foundation import clock, rows
from foundation.idempotency import from_now
from orders import inventory
from orders.models import Checkout, Order, OrderLine
from payments.models import Payment

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
    outbox.record(checkout.pk, _events(order), client_id=order.client_id)
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
        settlement_policy=settings.SETTLEMENT_POLICY,
        settle_at=_settle_at(checkout.payment),
        next_step_at=from_now(settings.STALLED_AFTER_SECONDS),
    )


def _settle_at(payment: Payment | None) -> dt.datetime | None:
    """When an order placed now is settled: after the shop's delay, but before the hold dies.

    None: as soon as it is placed.
    """
    if settings.SETTLEMENT_DELAY_SECONDS <= 0:
        return None
    wanted = clock.now() + dt.timedelta(seconds=settings.SETTLEMENT_DELAY_SECONDS)
    if payment is None or payment.capture_before is None:
        return wanted
    margin = dt.timedelta(seconds=settings.EXPIRY_ACT_SECONDS)
    return min(wanted, payment.capture_before - margin)


def _events(order: Order) -> list[Event]:
    payment = order.payment
    return [
        Event("payment.authorized", {"payment": payment.reference, "payment_id": str(payment.pk)}),
        Event(
            "order.placed",
            {
                "order": order.reference,
                "order_id": str(order.pk),
                "payment": payment.reference,
                "payment_id": str(payment.pk),
            },
        ),
    ]


def _show_without_asking(checkout: Checkout, order: Order, lines: list[OrderLine]) -> None:
    """The answer is built from what was just written; it need not be read back."""
    checkout.order = order
    order._prefetched_objects_cache = {"lines": lines}  # type: ignore[attr-defined]  # noqa: SLF001
