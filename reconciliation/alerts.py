"""What is told of before anybody asks: money left open, breaks that grow old, reports that fail.

Read from the rows after each round of comparing; each crossing of a limit is one event.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.conf import settings
from django.db import connection

from events import alerts
from foundation import clock
from foundation.crossings import Reading
from foundation.models import Crossing
from reconciliation.metrics import BASIS_POINTS

_CROSSED: Final = "reconciliation.threshold_crossed"
_UNSETTLED: Final = "state IN ('open', 'assigned', 'reopened')"

_BASIS_POINTS: Final = f"""
    SELECT account || ' ' || currency, points FROM ({BASIS_POINTS}) measured
    WHERE account = ANY(%(accounts)s)
"""  # noqa: S608 - constants of the house; values are parameters
_AGED: Final = f"""
    SELECT account, count(*) FROM reconciliation_reconciliationbreak
    WHERE {_UNSETTLED} AND began_at < %(aged)s AND account = ANY(%(accounts)s) GROUP BY account
"""  # noqa: S608 - as above
# Since the last report's end; of an account that never had one, since its first payment.
_UNREPORTED: Final = """
    SELECT account, extract(epoch FROM %(due)s - coalesce(
        (SELECT max(ends_at) FROM reconciliation_settlementreport report
         WHERE report.account = known.account),
        (SELECT min(created_at) FROM payments_payment payment
         WHERE payment.processor = known.account),
        %(due)s)) / 86400.0
    FROM unnest(%(accounts)s::text[]) AS known (account)
"""
RULES: Final[Mapping[str, tuple[str, Callable[[], float]]]] = {
    "reconciliation.unreconciled_basis_points": (
        _BASIS_POINTS,
        lambda: settings.RECONCILIATION_ALERT_BASIS_POINTS,
    ),
    "reconciliation.aged_breaks": (_AGED, lambda: 0),
    # A day that has just ended is one day without a report; the limit is how many may be.
    "reconciliation.days_without_report": (
        _UNREPORTED,
        lambda: settings.RECONCILIATION_ALERT_REPORT_DAYS,
    ),
}


def look() -> int:
    """Read every number; how many limits have just been crossed."""
    now, begun = clock.now(), 0
    for rule, (statement, most) in RULES.items():
        readings = [
            Reading(subject, float(value), most()) for subject, value in _read(statement, now)
        ]
        begun += alerts.tell(_CROSSED, rule, readings, day=now.date(), about=_of_whom)
    return begun


def _read(statement: str, now: dt.datetime) -> list[tuple[str, Any]]:
    aged = dt.timedelta(days=settings.RECONCILIATION_ALERT_BREAK_DAYS)
    given: dict[str, Any] = {
        "accounts": sorted(settings.RECONCILIATION_ACCOUNTS),
        "now": now,
        "aged": now - aged,
        "due": now - dt.timedelta(seconds=settings.RECONCILIATION_LAG_SECONDS),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return list(cursor.fetchall())


def _of_whom(row: Crossing) -> dict[str, Any]:
    account, _, currency = row.subject.partition(" ")
    return {"account": account, "currency": currency or None}
