"""Prices come from our catalog, never from the client."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from foundation.errors import InvalidInput
from orders.models import Price
from orders.serializers.checkout_request import LineIntent


@dataclass(frozen=True)
class PricedLine:
    """A line with today's price: `unit_amount` in minor units, as listed."""

    sku: str
    title: str
    quantity: int
    unit_amount: int
    tax_code: str

    def as_json(self) -> dict[str, Any]:
        """As frozen in the checkout's row."""
        return asdict(self)


def price(lines: Sequence[LineIntent], *, currency: str) -> list[PricedLine]:
    """Look every SKU up in one statement.

    Raises `InvalidInput` naming each line that is not for sale in this currency.
    """
    found = {
        listed.product.sku: listed
        for listed in Price.objects.select_related("product").filter(
            product__sku__in=[line.sku for line in lines],
            product__active=True,
            currency=currency,
        )
    }
    missing = [line.sku for line in lines if line.sku not in found]
    if missing:
        raise InvalidInput(
            "Some lines can not be sold.", errors=[_unknown(sku, currency) for sku in missing]
        )
    return [
        PricedLine(
            sku=line.sku,
            title=found[line.sku].product.title,
            quantity=line.quantity,
            unit_amount=found[line.sku].amount,
            tax_code=found[line.sku].product.tax_code,
        )
        for line in lines
    ]


def _unknown(sku: str, currency: str) -> dict[str, str]:
    return {
        "pointer": "/lines",
        "code": "unknown_sku",
        "detail": f"No product {sku!r} is for sale in {currency}.",
    }
