"""Orders as rows, without a shop: what the financial side of the gap reads."""

import datetime as dt

from attribution.models import Attribution, Conversion, ConversionBatch
from foundation import clock
from orders.models import Checkout, Order
from payments.models import Payment
from tests import builders


def an_order(client, **facts):
    """An order of this client: captured in full unless told otherwise."""
    (order,) = orders(client, [facts])
    return order


def orders(client, each):
    """Many, in a few statements."""
    built = [_built(client, **facts) for facts in each]
    for model, name in ((Attribution, "attribution"), (Payment, "payment"), (Checkout, "checkout")):
        model.objects.bulk_create([getattr(order, name) for order in built])
    return Order.objects.bulk_create(built)


def _built(
    client, *, at=None, total=4298, currency="USD", brand="visa", metadata=None, state="placed",
    captured=None, refunded=0, **seen,
):  # fmt: skip
    captured = total if captured is None else captured
    payment = builders.PaymentFactory.build(
        client_id=client.pk, amount=total, currency=currency, card_brand=brand, state="captured",
        authorized_amount=total, captured_amount=captured, refunded_amount=refunded,
    )  # fmt: skip
    checkout = builders.CheckoutFactory.build(
        client_id=client.pk, payment=payment, currency=currency, state="completed"
    )
    facts = {"source": "newsletter", "medium": "email", "client_id": "1.2", "consent": "granted"}
    return Order(
        id=checkout.order_id, client_id=client.pk, checkout=checkout, payment=payment,
        attribution=Attribution(**facts | seen), cart_id=checkout.cart_id,
        customer_reference="cus_42", email="a@example.com", currency=currency,
        subtotal_amount=total, tax_amount=0, shipping_amount=0, total_amount=total,
        shipping_method="standard", shipping_address={}, metadata=metadata or {}, state=state,
        placed_at=at or clock.now(),
    )  # fmt: skip


def counted(order, *, amount=None, times=1, at=None, **facts):
    """Analytics counted this order."""
    return a_conversion(
        order.client_id, order.public_number, times=times,
        amount=order.total_amount if amount is None else amount, at=at or order.placed_at,
        **{"currency": order.currency} | facts,
    )  # fmt: skip


def a_conversion(client_id, number, *, amount=4298, currency="USD", at=None, times=1, **facts):
    """Analytics counted something."""
    batch = ConversionBatch.objects.create(client_id=client_id, rows=times)
    for _ in range(times):
        Conversion.objects.create(
            client_id=client_id, batch=batch, transaction_id=number, amount=amount,
            currency=currency, occurred_at=at or clock.now(), **facts,
        )  # fmt: skip


def days_ago(days, *, hour=12):
    """A moment on an earlier day (UTC)."""
    day = clock.now().date() - dt.timedelta(days=days)
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)
