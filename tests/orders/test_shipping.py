"""Shipping costs what the shop's table says, or the method is refused with a reason."""

import pytest

from orders.rate_tables import RateTables, ShippingPrice
from orders.shipping import ShippingMethodUnknown, ShippingNotAvailable, ShippingQuote, quote

TABLES = RateTables(
    shipping={
        ("standard", "US", "USD"): ShippingPrice(300, "shipping", "Standard"),
        ("standard", "*", "USD"): ShippingPrice(1500, "shipping", "International"),
        ("express", "US", "USD"): ShippingPrice(0, "shipping", "Express, free today"),
    }
)


def quoted(method="standard", country="US", currency="USD"):
    return quote(method=method, country=country, currency=currency, tables=TABLES)


def test_the_countrys_own_price_comes_before_the_price_to_anywhere():
    assert quoted() == ShippingQuote("standard", "Standard", 300, "shipping")
    assert quoted(country="NZ").amount == 1500


def test_shipping_may_be_free():
    assert quoted(method="express").amount == 0


def test_an_unknown_method_is_refused():
    with pytest.raises(ShippingMethodUnknown) as refused:
        quoted(method="drone")
    assert (refused.value.status, refused.value.code) == (422, "shipping_method_unknown")
    assert refused.value.errors[0]["pointer"] == "/shipping_method"


@pytest.mark.parametrize("asked", [{"currency": "EUR"}, {"method": "express", "country": "NZ"}])
def test_a_method_that_does_not_go_there_in_that_currency_is_refused(asked):
    with pytest.raises(ShippingNotAvailable) as refused:
        quoted(**asked)
    assert (refused.value.status, refused.value.code) == (422, "shipping_not_available")
