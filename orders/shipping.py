"""What a shipping method costs to a destination, from the shop's own table."""

from dataclasses import dataclass

from foundation.errors import InvalidInput
from orders.models.shipping import ANYWHERE
from orders.rate_tables import RateTables


class ShippingMethodUnknown(InvalidInput):
    """The shop has no such method at all."""

    code, title = "shipping_method_unknown", "The shipping method is not known"


class ShippingNotAvailable(InvalidInput):
    """The method exists, but not to this country in this currency."""

    code, title = "shipping_not_available", "The shipping method is not available here"


@dataclass(frozen=True, slots=True)
class ShippingQuote:
    """The listed price of shipping, and the tax code it is taxed by."""

    method: str
    title: str
    amount: int
    tax_code: str


def quote(*, method: str, country: str, currency: str, tables: RateTables) -> ShippingQuote:
    """The price to this country, else the price to anywhere; refused when there is neither."""
    for place in (country, ANYWHERE):
        price = tables.shipping.get((method, place, currency))
        if price is not None:
            return ShippingQuote(method, price.title, price.amount, price.tax_code)
    raise _refusal(method, tables)


def _refusal(method: str, tables: RateTables) -> InvalidInput:
    known = any(method == name for name, _, _ in tables.shipping)
    refusal = ShippingNotAvailable if known else ShippingMethodUnknown
    error = {"pointer": "/shipping_method", "code": refusal.code, "detail": refusal.title}
    return refusal(errors=[error])
