"""The rows of one order, through the ORM, one `create` after the other."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attribution.models import Attribution
from events.models import EventStream, OutboxEvent
from foundation.models import Transition
from orders.models import Checkout, Order, OrderLine, Reservation
from payments.models import Payment, PaymentTransaction

UNIT, SHIPPING = 1999, 300
CLIENT = uuid.UUID(int=1)
STEPS = [{"step": step, "at": ""} for step in ("screened", "taxed", "reserved", "authorized")]


def insert(asked: Mapping[str, Any], *, now: datetime, later: datetime) -> Order:
    """A checkout, its payment, its order and everything that ours writes beside them."""
    amounts = _amounts(asked)
    payment = _payment(asked, amounts["total_amount"], later)
    checkout = _checkout(asked, amounts, payment, now=now, later=later)
    for line in asked["lines"]:
        Reservation.objects.create(
            checkout=checkout, sku=line["sku"], quantity=line["quantity"], state="committed"
        )
    order = _order(asked, amounts, checkout, payment)
    _lines(order, asked)
    _journal(checkout, payment, order, now)
    return order


def _amounts(asked: Mapping[str, Any]) -> dict[str, int]:
    subtotal = sum(UNIT * line["quantity"] for line in asked["lines"])
    return {
        "subtotal_amount": subtotal,
        "tax_amount": 0,
        "shipping_amount": SHIPPING,
        "total_amount": subtotal + SHIPPING,
    }


def _payment(asked: Mapping[str, Any], total: int, later: datetime) -> Payment:
    payment = Payment.objects.create(
        client_id=CLIENT,
        stream=CLIENT,
        state="authorized",
        amount=total,
        authorized_amount=total,
        currency=asked["currency"],
        payment_method=asked["payment_method"],
        processor_reference=f"pi_{asked['cart_id']}",
        capture_before=later,
        card_brand="visa",
        card_last4="4242",
        card_country="US",
        card_fingerprint=asked["cart_id"],
        metadata={"cart": asked["cart_id"]},
    )
    PaymentTransaction.objects.create(
        payment=payment,
        kind="authorization",
        succeeded=True,
        amount=total,
        currency=asked["currency"],
        processor_reference=payment.processor_reference,
        actor="plain",
    )
    return payment


def _checkout(
    asked: Mapping[str, Any],
    amounts: Mapping[str, int],
    payment: Payment,
    *,
    now: datetime,
    later: datetime,
) -> Checkout:
    return Checkout.objects.create(
        recovery_point="placed",
        step_log=STEPS,
        client_id=CLIENT,
        cart_id=asked["cart_id"],
        state="completed",
        payment=payment,
        customer_reference=asked["customer"]["reference"],
        email=asked["customer"]["email"],
        payment_method=asked["payment_method"],
        shipping_method=asked["shipping_method"],
        shipping_address=asked["shipping_address"],
        billing_address=asked["billing_address"],
        lines=asked["lines"],
        attribution=asked["attribution"],
        metadata=asked["metadata"],
        currency=asked["currency"],
        risk={"outcome": "accept", "score": 0, "reasons": []},
        risk_outcome="accept",
        forward_until=later,
        ended_at=now,
        **amounts,
    )


def _order(
    asked: Mapping[str, Any], amounts: Mapping[str, int], checkout: Checkout, payment: Payment
) -> Order:
    seen = Attribution.objects.create(
        source=asked["attribution"].get("utm_source", "unknown"), consent="granted"
    )
    return Order.objects.create(
        client_id=CLIENT,
        checkout=checkout,
        payment=payment,
        attribution=seen,
        cart_id=checkout.cart_id,
        customer_reference=checkout.customer_reference,
        email=checkout.email,
        currency=checkout.currency,
        shipping_method=checkout.shipping_method,
        shipping_address=checkout.shipping_address,
        billing_address=checkout.billing_address,
        metadata=checkout.metadata,
        next_step_at=checkout.forward_until,
        **amounts,
    )


def _lines(order: Order, asked: Mapping[str, Any]) -> None:
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            position=position,
            sku=line["sku"],
            title=line["sku"],
            quantity=line["quantity"],
            unit_amount=UNIT,
            net_amount=UNIT * line["quantity"],
            tax_amount=0,
            tax_rate_ppm=0,
            tax_jurisdiction="USOR",
            tax_inclusive=False,
        )
        for position, line in enumerate(asked["lines"], start=1)
    )


def _journal(checkout: Checkout, payment: Payment, order: Order, now: datetime) -> None:
    moves = [("payment", payment.pk, "authorized"), ("checkout", checkout.pk, "completed")]
    for aggregate, row, target in moves:
        Transition.objects.create(
            aggregate=aggregate,
            aggregate_id=row,
            from_state="authorizing",
            to_state=target,
            actor="plain",
            at=now,
        )
    EventStream.objects.create(id=checkout.pk, last_sequence=2)
    facts = {"payment_id": str(payment.pk), "order_id": str(order.pk)}
    for sequence, kind in enumerate(("payment.authorized", "order.placed"), start=1):
        OutboxEvent.objects.create(
            type=kind, stream=checkout.pk, sequence=sequence, payload=facts, created_at=now
        )
