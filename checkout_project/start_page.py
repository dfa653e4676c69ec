"""The first page of the admin: today's money, what needs a person, and the last two weeks.

Each app tells its own figures (`start.py` beside its admin); here they are put on one page. What
a person may not see is neither asked for nor shown. The number of statements is fixed.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.http import HttpRequest

from attribution.admin import start as attribution_start
from events import start as events_start
from foundation import clock
from foundation.admin import start as foundation_start
from foundation.desk import plot
from foundation.desk.sections import Desk, Drawing, Table, Waiting
from foundation.money import Money
from orders.admin import start as orders_start
from payments.admin import start as payments_start
from reconciliation.admin import start as reconciliation_start

DAYS_DRAWN: Final = 14

# (what may be seen by whoever is told of it, who tells)
_WAITING: Final[Sequence[tuple[tuple[str, ...], Callable[[], list[Waiting]]]]] = (
    (
        ("foundation.view_case", "foundation.view_approval", "foundation.view_invariantresult"),
        foundation_start.waiting,
    ),
    (("orders.view_checkout", "orders.view_notification"), orders_start.waiting),
    (
        ("orders.view_order", "payments.view_processorevent", "payments.view_dispute"),
        payments_start.waiting,
    ),
    (("reconciliation.view_reconciliationbreak",), reconciliation_start.waiting),
    (("events.view_outboxevent", "events.view_webhookdelivery"), events_start.waiting),
)
# (what must be seen to be shown it, who draws)
_DRAWINGS: Final[Sequence[tuple[str, Callable[[Sequence[dt.date]], list[Drawing]]]]] = (
    ("orders.view_checkout", orders_start.drawings),
    ("payments.view_payment", payments_start.drawings),
    ("reconciliation.view_reconciliationbreak", reconciliation_start.drawings),
    ("attribution.view_gapversion", attribution_start.drawings),
)


def context(request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
    """What the theme's start page is drawn from."""
    today = clock.now().astimezone(dt.UTC).date()
    days = plot.days_until(today, count=DAYS_DRAWN)
    sections = [*_money(request, today), _desk(request), *_drawn(request, days)]
    return given | {"title": "Start", "today": today, "sections": sections}


def _money(request: HttpRequest, today: dt.date) -> list[Table]:
    if not (_may(request, "orders.view_order") and _may(request, "payments.view_payment")):
        return []
    since = dt.datetime.combine(today, dt.time(), tzinfo=dt.UTC)
    placed = {currency: (amount, count) for currency, amount, count in orders_start.placed(since)}
    moved = payments_start.moved(since)
    currencies = sorted({*placed, *(currency for currency, _ in moved)})
    columns = ("Currency", "Orders", "Placed", "Authorized", "Captured", "Refunded")
    rows = [
        (
            currency,
            placed.get(currency, (0, 0))[1],
            Money(placed.get(currency, (0, 0))[0], currency),
            *(Money(moved.get((currency, kind), 0), currency) for kind in payments_start.MOVED),
        )
        for currency in currencies
    ]
    empty = "Nothing was placed or moved yet."
    return [Table("Money today (UTC)", columns, rows, numbers=columns[1:], empty=empty)]


def _desk(request: HttpRequest) -> Desk:
    asked = [ask for seen, ask in _WAITING if any(_may(request, each) for each in seen)]
    tiles = [tile for ask in asked for tile in ask()]
    return Desk("Needs a person", [tile for tile in tiles if _may(request, tile.permission)])


def _drawn(request: HttpRequest, days: Sequence[dt.date]) -> list[Drawing]:
    return [each for seen, draw in _DRAWINGS if _may(request, seen) for each in draw(days)]


def _may(request: HttpRequest, permission: str) -> bool:
    return bool(request.user.has_perm(permission))
