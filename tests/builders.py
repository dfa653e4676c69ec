"""Builders that place the world: a catalog, a caller, a request; and rows at any point."""

import itertools
import uuid

import factory
from factory.django import DjangoModelFactory

from foundation.authentication import SCOPES, create_key
from foundation.models import ApiClient
from orders import rate_tables
from orders.models import Price, Product, ShippingRate, StockItem, TaxRate

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
