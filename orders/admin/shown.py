"""What more than one page of the shop shows: addresses, rates, holds of stock."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from foundation.desk.sections import Table
from foundation.desk.staff import badge, link, page_of, when
from foundation.models import Case
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


def open_cases(about: Sequence[uuid.UUID]) -> list[Table]:
    """What of these rows waits for a person; no table when nothing does."""
    cases = Case.objects.filter(aggregate_id__in=about, state="open").order_by("due_at")
    rows = [
        (link(page_of("case", case.pk), case.title), case.owner, when(case.due_at))
        for case in cases
    ]
    return [Table("Waits for a person", ("Case", "Owner", "Due"), rows)] if rows else []
