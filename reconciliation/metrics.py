"""How well the books agree, as numbers: for the page of staff, and as gauges."""

import datetime as dt
from typing import Any, Final

from django.db import connection

from foundation import clock
from foundation.metrics import Gauge, register

_UNSETTLED: Final = "state IN ('open', 'assigned', 'reopened')"
_NEWEST: Final = """
    SELECT DISTINCT ON (account) account, day, counts FROM reconciliation_reconciliationrun
    WHERE state = 'completed' ORDER BY account, day DESC, version DESC
"""

# What is at risk, in ten-thousandths of what was taken in thirty days; all of it, if nothing was.
BASIS_POINTS: Final = f"""
    SELECT risk.account, risk.currency,
        CASE WHEN volume.amount > 0 THEN 10000.0 * risk.amount / volume.amount
             WHEN risk.amount > 0 THEN 10000.0 ELSE 0 END AS points
    FROM (
        SELECT account, currency, sum(amount)::numeric AS amount
        FROM reconciliation_reconciliationbreak WHERE {_UNSETTLED} GROUP BY account, currency
    ) risk LEFT JOIN (
        SELECT account, currency, sum(gross)::numeric AS amount
        FROM reconciliation_settlementline
        WHERE category = 'charge' AND occurred_at >= %(now)s - interval '30 days'
        GROUP BY account, currency
    ) volume USING (account, currency)
"""  # noqa: S608 - constants of this file; values are parameters

register(
    Gauge(
        "reconciliation_unreconciled_basis_points",
        "What is at risk in open breaks, in ten-thousandths of thirty days' volume.",
        BASIS_POINTS,
        ("account", "currency"),
    ),
    Gauge(
        "reconciliation_last_report_timestamp_seconds",
        "Up to when reports tell of the processor's books.",
        """SELECT account, extract(epoch FROM max(ends_at)) FROM reconciliation_settlementreport
           GROUP BY account""",
        ("account",),
    ),
    Gauge(
        "reconciliation_matched_ratio",
        "Share of the payments of the last compared day of which both books say the same.",
        f"""SELECT account, (counts ->> 'matched')::float / nullif((counts ->> 'pairs')::float, 0)
            FROM ({_NEWEST}) newest WHERE (counts ->> 'pairs')::int > 0""",  # noqa: S608 - ours
        ("account",),
    ),
    Gauge(
        "reconciliation_breaks_open",
        "Breaks that nobody has settled, by class.",
        f"""SELECT kind, count(*) FROM reconciliation_reconciliationbreak
            WHERE {_UNSETTLED} GROUP BY kind""",  # noqa: S608 - as above
        ("kind",),
    ),
    Gauge(
        "reconciliation_breaks_open_amount",
        "What is at risk in them, in minor units.",
        f"""SELECT kind, currency, sum(amount) FROM reconciliation_reconciliationbreak
            WHERE {_UNSETTLED} GROUP BY kind, currency""",  # noqa: S608 - as above
        ("kind", "currency"),
    ),
    Gauge(
        "reconciliation_breaks_open_severity",
        "How severe they are: minor units at risk, times the days they have been, begun ones too.",
        f"""SELECT kind, currency, sum(amount::float * (1 + floor(greatest(0,
                extract(epoch FROM %(now)s - began_at)) / 86400)))
            FROM reconciliation_reconciliationbreak WHERE {_UNSETTLED}
            GROUP BY kind, currency""",  # noqa: S608 - as above
        ("kind", "currency"),
    ),
    Gauge(
        "reconciliation_break_oldest_age_seconds",
        "How long the oldest of them has been one.",
        f"""SELECT extract(epoch FROM %(now)s - min(began_at))
            FROM reconciliation_reconciliationbreak WHERE {_UNSETTLED}""",  # noqa: S608 - as above
    ),
    Gauge(
        "reconciliation_last_day_timestamp_seconds",
        "The end of the last day that was compared.",
        f"""SELECT account, extract(epoch FROM day + 1) FROM ({_NEWEST}) newest""",  # noqa: S608
        ("account",),
    ),
    Gauge(
        "reconciliation_failed_days",
        "Days of the last thirty whose newest run failed.",
        """SELECT count(*) FROM (
               SELECT DISTINCT ON (account, day) state FROM reconciliation_reconciliationrun
               WHERE day >= (%(now)s - interval '30 days')::date
               ORDER BY account, day, version DESC
           ) newest WHERE state = 'failed'""",
    ),
)

_SETTLED: Final = """
    SELECT count(*) FILTER (WHERE state = 'auto_resolved'),
        count(*) FILTER (WHERE state IN ('resolved', 'written_off')),
        extract(epoch FROM avg(settled_at - first_seen_at))
    FROM reconciliation_reconciliationbreak WHERE settled_at >= %s
"""
_OPEN: Final = f"""
    SELECT kind, currency, count(*), sum(amount)::bigint,
        extract(day FROM %s - min(began_at))::int
    FROM reconciliation_reconciliationbreak WHERE {_UNSETTLED}
    GROUP BY kind, currency ORDER BY sum(amount) DESC
"""  # noqa: S608 - as above
# What is at risk now, for each currency, in ten-thousandths of what was taken in thirty days.
_BASIS_POINTS: Final = f"""
    SELECT volume.currency, 10000.0 * coalesce(risk.amount, 0) / volume.amount
    FROM (
        SELECT currency, sum(gross)::numeric AS amount FROM reconciliation_settlementline
        WHERE category = 'charge' AND occurred_at >= %s GROUP BY currency
    ) volume LEFT JOIN (
        SELECT currency, sum(amount) AS amount FROM reconciliation_reconciliationbreak
        WHERE {_UNSETTLED} GROUP BY currency
    ) risk USING (currency) WHERE volume.amount > 0 ORDER BY 1
"""  # noqa: S608 - as above


def told() -> list[tuple[str, Any]]:
    """(what, how much) of the last thirty days, for people."""
    since = clock.now() - dt.timedelta(days=30)
    (by_itself, by_people, seconds) = _rows(_SETTLED, since)[0]
    points = [f"{value:.1f} {currency}" for currency, value in _rows(_BASIS_POINTS, since)]
    hours = f"{float(seconds) / 3600:.1f} h" if seconds is not None else "—"
    return [
        ("Ended by themselves, 30 days", by_itself),
        ("Settled by people, 30 days", by_people),
        ("From first seen to settled", hours),
        ("At risk, basis points of 30 days", ", ".join(points) or "—"),
    ]


def open_breaks() -> list[tuple[Any, ...]]:
    """(class, currency, breaks, minor units at risk, days of the oldest), the largest first."""
    return _rows(_OPEN, clock.now())


def _rows(statement: str, moment: dt.datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [moment])
        return list(cursor.fetchall())
