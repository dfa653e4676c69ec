"""Prices come from our catalog, never from the client."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import connection

from foundation.errors import InvalidInput
from orders.serializers.checkout_request import LineIntent

_PRICES: Final = """
    SELECT product.sku, product.title, price.amount, product.tax_code
    FROM orders_product product JOIN orders_price price ON price.product_id = product.id
    WHERE product.sku = ANY(%s) AND product.active AND price.currency = %s
"""


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
    with connection.cursor() as cursor:
        cursor.execute(_PRICES, [[line.sku for line in lines], currency])
        found = {sku: listed for sku, *listed in cursor.fetchall()}
    missing = [line.sku for line in lines if line.sku not in found]
    if missing:
        raise InvalidInput(
            "Some lines can not be sold.", errors=[_unknown(sku, currency) for sku in missing]
        )
    return [
        PricedLine(
            sku=line.sku,
            quantity=line.quantity,
            **dict(zip(("title", "unit_amount", "tax_code"), found[line.sku], strict=True)),
        )
        for line in lines
    ]


def _unknown(sku: str, currency: str) -> dict[str, str]:
    return {
        "pointer": "/lines",
        "code": "unknown_sku",
        "detail": f"No product {sku!r} is for sale in {currency}.",
    }
