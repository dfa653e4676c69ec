"""What more than one page of the shop shows: addresses, rates, holds of stock."""

from collections.abc import Mapping
from typing import Any

from foundation.sections import Table
from foundation.staff import badge, when
from orders.models import Checkout

_PPM_PER_PERCENT = 10_000
_ADDRESS = ("name", "line1", "line2", "city", "region", "postal_code", "country")


def address(given: Mapping[str, Any] | None) -> str:
    """On one line, in the order of an envelope."""
    return ", ".join(str(given[part]) for part in _ADDRESS if given.get(part)) if given else ""


def percent(ppm: int) -> str:
    """Parts per million, read as a percentage, exactly."""
    whole, rest = divmod(ppm, _PPM_PER_PERCENT)
    return f"{whole}.{rest:04}".rstrip("0").rstrip(".") + " %"


def reservations(checkout: Checkout) -> Table:
    """The stock that is, or was, held for it."""
    return Table(
        "Reservations",
        ("SKU", "Quantity", "State", "Taken"),
        [
            (hold.sku, hold.quantity, badge(hold.state), when(hold.created_at))
            for hold in checkout.reservations.order_by("sku")
        ],
        numbers=("Quantity",),
        width="half",
    )
