"""Builders that place the world: a catalog, a caller, a request; and rows at any point."""

import datetime as dt
import itertools
import uuid

import factory
from factory.django import DjangoModelFactory

from foundation import clock, idempotency
from foundation.edge.authentication import SCOPES, create_key
from foundation.ids import new_id
from foundation.models import ApiClient, IdempotencyKey, client_scope
from orders import rate_tables
from orders.models import (
    Cancellation,
    Checkout,
    Order,
    Price,
    Product,
    Reservation,
    ShippingRate,
    StockItem,
    TaxRate,
)
from payments.models import Dispute, Payment, ProcessorEvent

_numbers = itertools.count(1)


class ProductFactory(DjangoModelFactory):
    class Meta:
        model = Product

    sku = factory.Sequence(lambda n: f"MUG-{n}")
    title = factory.LazyAttribute(lambda product: f"Mug {product.sku}")
    tax_code = "standard"


def a_product(sku="MUG-BLUE", *, amount=1999, on_hand=100, currency="USD", tax_code="standard"):
    """A product for sale, with stock."""
    product = ProductFactory(sku=sku, tax_code=tax_code)
    Price.objects.create(product=product, currency=currency, amount=amount)
    StockItem.objects.create(product=product, sku=sku, on_hand=on_hand)
    return product


def a_shop():
    """What every checkout needs: where we sell to, how it is taxed, what shipping costs."""
    for country, region, rate, inclusive in [
        ("US", "OR", 0, False), ("US", "CA", 72_500, False), ("DE", "", 190_000, True),
        ("JP", "", 100_000, True), ("KW", "", 0, False),
    ]:  # fmt: skip
        for code in ("standard", "shipping"):
            TaxRate.objects.create(
                country=country, region=region, tax_code=code, rate_ppm=rate, inclusive=inclusive,
                jurisdiction=f"{country}{region}",
            )  # fmt: skip
    for currency, amount in [("USD", 300), ("EUR", 400), ("JPY", 500), ("KWD", 1000)]:
        ShippingRate.objects.create(
            method="standard", country="*", currency=currency, amount=amount, title="Standard"
        )
    rate_tables.forget()


def a_client(name=None, *, scopes=SCOPES, sees_all=False):
    """A caller and its key."""
    client = ApiClient.objects.create(name=name or f"shop-{next(_numbers)}")
    return client, create_key(client, scopes=scopes, sees_all=sees_all)


def a_key():
    """An idempotency key no other test uses."""
    return f"key-{uuid.uuid4()}"


def a_purchase(**changes):
    """The body of POST /v1/checkouts: two blue mugs to Oregon, 42.98 USD."""
    number = next(_numbers)
    body = {
        "cart_id": f"cart_{number}",
        "customer": {"reference": f"cus_{number}", "email": f"shopper{number}@example.com"},
        "currency": "USD",
        "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
        "shipping_method": "standard",
        "shipping_address": {
            "line1": "1 Main St", "city": "Portland", "region": "OR", "postal_code": "97201",
            "country": "US",
        },
        "billing_address": None,
        "payment_method": f"pm_card_visa__{number}",
        "attribution": {"utm_source": "newsletter", "client_id": "123.456", "consent": True},
        "metadata": {"channel": "web"},
    }  # fmt: skip
    return body | changes


def decline(code="chargeDeclined"):
    """A payment method that is always declined."""
    return f"pm_card_{code}__{next(_numbers)}"


def faulty(name, seconds=None):
    """A payment method whose authorization goes wrong in the named way."""
    suffix = "" if seconds is None else f"_{seconds}"
    return f"pm_card_visa__fault_{name}{suffix}"


def several_captures():
    """A payment method whose hold may be captured several times."""
    return f"pm_card_visa__multicapture__{next(_numbers)}"


class PaymentFactory(DjangoModelFactory):
    """A payment of 42.98 USD, as T1 writes it."""

    class Meta:
        model = Payment

    client_id = factory.LazyFunction(new_id)
    stream = factory.LazyFunction(new_id)
    amount = 4298
    currency = "USD"
    payment_method = factory.Sequence(lambda n: f"pm_card_visa__built{n}")


class DisputeFactory(DjangoModelFactory):
    """An open dispute of 1.00 USD, its evidence due in a week."""

    class Meta:
        model = Dispute

    sequence = factory.Sequence(lambda n: n % 30_000)
    amount = 100
    currency = "USD"
    reason = "fraudulent"
    processor_reference = factory.Sequence(lambda n: f"du_built{n}")
    evidence_due_by = factory.LazyFunction(lambda: clock.now() + dt.timedelta(days=7))


class ProcessorEventFactory(DjangoModelFactory):
    """A message of the processor, stored and not yet worked."""

    class Meta:
        model = ProcessorEvent

    processor = "stripe"
    external_id = factory.Sequence(lambda n: f"evt_built{n}")
    type = "payment_intent.succeeded"
    kind = "payment"
    object_id = factory.Sequence(lambda n: f"pi_built{n}")
    arrival = "webhook"
    body = b"{}"
    happened_at = factory.LazyFunction(clock.now)


class CheckoutFactory(DjangoModelFactory):
    """Two blue mugs to Oregon, screened, taxed and reserved: what stands when T1 is committed."""

    class Meta:
        model = Checkout

    client_id = factory.LazyFunction(new_id)
    cart_id = factory.Sequence(lambda n: f"built_{n}")
    state = "authorizing"
    recovery_point = "reserved"
    customer_reference = factory.Sequence(lambda n: f"cus_built_{n}")
    email = factory.Sequence(lambda n: f"built{n}@example.com")
    shipping_method = "standard"
    shipping_address = factory.LazyFunction(lambda: a_purchase()["shipping_address"])
    currency = "USD"
    subtotal_amount = 3998
    shipping_amount = 300
    total_amount = 4298
    risk_outcome = "accept"
    forward_until = factory.LazyFunction(lambda: clock.now() + dt.timedelta(minutes=15))
    lines = factory.LazyFunction(
        lambda: [
            {
                "sku": "MUG-BLUE", "title": "Mug", "quantity": 2, "unit_amount": 1999,
                "tax_code": "standard", "net_amount": 3998, "tax_amount": 0, "tax_rate_ppm": 0,
                "tax_jurisdiction": "OR", "tax_inclusive": False,
            }
        ]
    )  # fmt: skip


def a_checkout_at(*, payment_state="authorizing", leased_seconds=-1, **facts):
    """A checkout whose runner died at a point of its story: all rows as a crash leaves them.

    `facts` go to the checkout (state, recovery_point, direction, refusal, risk_outcome...);
    the stock is held, the client's key is open, and its lease is over unless told otherwise.
    """
    client = ApiClient.objects.create(name=f"built-{next(_numbers)}")
    checkout = CheckoutFactory.build(client_id=client.pk, **facts)
    payment = PaymentFactory.create(
        id=checkout.payment_uuid, client_id=client.pk, stream=checkout.pk, state=payment_state,
        metadata={"checkout": checkout.reference, "order": checkout.order_reference},
    )  # fmt: skip
    checkout.payment, checkout.payment_method = payment, payment.payment_method
    checkout.save(force_insert=True)
    Reservation.objects.create(checkout=checkout, sku="MUG-BLUE", quantity=2)
    StockItem.objects.filter(sku="MUG-BLUE").update(reserved=2)
    IdempotencyKey.objects.create(
        scope=client_scope(client.pk, "POST", "/v1/checkouts"), key=a_key(), fingerprint=b"f" * 32,
        subject_kind="checkout", subject_id=checkout.pk,
        leased_until=idempotency.from_now(leased_seconds),
    )  # fmt: skip
    return checkout


def a_cancellation_of(order, *, leased_seconds=-1, **facts):
    """A cancellation whose runner died after its first commit: claimed, and nobody was asked."""
    Order.objects.filter(pk=order.pk).update(state="canceling", next_step_at=None)
    cancellation = Cancellation.objects.create(
        order=order, actor="api:shop", reason="customer asked", recovery_point="stopped", **facts
    )
    IdempotencyKey.objects.create(
        scope=client_scope(order.client_id, "POST", f"/v1/orders/{order.reference}/cancel"),
        key=a_key(), fingerprint=b"f" * 32, subject_kind="cancellation",
        subject_id=cancellation.pk, leased_until=idempotency.from_now(leased_seconds),
    )  # fmt: skip
    return cancellation
