"""What the start page tells of payments. Windows are read off the primary keys."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.urls import reverse

from foundation import clock, ids
from foundation.desk import plot
from foundation.desk.sections import Drawing, Waiting, day_by_day

MOVED: Final = ("authorization", "capture", "refund")
_DECLINES_SHOWN: Final = len(plot.COLORS) - 1
_MOVED: Final = """
    SELECT currency, kind, sum(amount)::bigint FROM payments_paymenttransaction
    WHERE id >= %s AND created_at >= %s AND succeeded AND kind IN ('authorization', 'capture',
        'refund') GROUP BY currency, kind
"""
_WAITING: Final = """
    SELECT (SELECT count(*) FROM payments_payment
            WHERE state IN ('authorized', 'partially_captured') AND capture_before < %s),
           (SELECT count(*) FROM payments_processorevent WHERE state = 'dead'),
           (SELECT count(*) FROM payments_dispute WHERE state = 'open')
"""
_ANSWERS: Final = """
    SELECT (created_at AT TIME ZONE 'UTC')::date, coalesce(nullif(decline_code, ''), 'no code'),
           count(*) FILTER (WHERE authorized_amount > 0), count(*) FILTER (WHERE state = 'declined')
    FROM payments_payment WHERE id >= %s GROUP BY 1, 2
"""
_LAGS: Final = """
    SELECT (taken.created_at AT TIME ZONE 'UTC')::date,
           percentile_cont(0.5) WITHIN GROUP (
               ORDER BY extract(epoch FROM taken.created_at - held.created_at)) / 3600
    FROM payments_paymenttransaction taken JOIN payments_paymenttransaction held
        ON held.payment_id = taken.payment_id AND held.kind = 'authorization' AND held.succeeded
    WHERE taken.id >= %s AND taken.kind = 'capture' AND taken.succeeded AND taken.sequence = 1
    GROUP BY 1
"""


def moved(since: dt.datetime) -> dict[tuple[str, str], int]:
    """(currency, authorization | capture | refund) → minor units since a moment; one statement."""
    rows = _rows(_MOVED, ids.floor(since), since)
    return {(currency, kind): amount for currency, kind, amount in rows}


def waiting() -> list[Waiting]:
    """Holds that run out within a day, what was given up, what the bank asks; one statement."""
    soon = clock.now() + dt.timedelta(seconds=settings.EXPIRY_WARN_SECONDS)
    ((expiring, dead, disputes),) = _rows(_WAITING, soon)
    events = reverse("admin:payments_processorevent_changelist")
    open_ones = reverse("admin:payments_dispute_changelist")
    return [
        Waiting(
            "holds that run out soon", expiring, reverse("admin:orders_order_expiring"),
            "orders.view_order",
        ),
        Waiting(
            "processor events given up", dead, f"{events}?state=dead",
            "payments.view_processorevent", "bad",
        ),
        Waiting(
            "disputes to answer", disputes, f"{open_ones}?state=open", "payments.view_dispute"
        ),
    ]  # fmt: skip


def drawings(days: Sequence[dt.date]) -> list[Drawing]:
    """How often the bank says yes, why it says no, and how long money waits; two statements."""
    first = ids.floor(dt.datetime.combine(days[0], dt.time(), tzinfo=dt.UTC))
    answers = _rows(_ANSWERS, first)
    return [_rate(days, answers), _declines(days, answers), _lag(days, dict(_rows(_LAGS, first)))]


def _rate(days: Sequence[dt.date], answers: Sequence[tuple[Any, ...]]) -> Drawing:
    yes = {day: sum(row[2] for row in answers if row[0] == day) for day in days}
    no = {day: sum(row[3] for row in answers if row[0] == day) for day in days}
    line = [yes[day] / (yes[day] + no[day]) if yes[day] + no[day] else None for day in days]
    title = "Authorizations that the bank granted"
    svg = plot.shares({"granted": line}, days=days, title=title)
    numbers = day_by_day({"granted": line}, days=days, form="{:.1%}")
    return Drawing(title, svg, numbers=numbers, width="half")


def _declines(days: Sequence[dt.date], answers: Sequence[tuple[Any, ...]]) -> Drawing:
    met: dict[str, dict[dt.date, int]] = {}
    for day, code, _, declined in answers:
        if declined:
            met.setdefault(code, {})[day] = declined
    ranked = sorted(met, key=lambda code: -sum(met[code].values()))
    rest = ranked[_DECLINES_SHOWN:]
    series = {
        c.replace("_", " "): [met[c].get(day, 0) for day in days] for c in ranked[:_DECLINES_SHOWN]
    }
    if rest or not series:
        series["others"] = [sum(met[code].get(day, 0) for code in rest) for day in days]
    title = "Declines by what the bank said"
    svg = plot.bars(series, days=days, title=title)
    return Drawing(title, svg, numbers=day_by_day(series, days=days), width="half")


def _lag(days: Sequence[dt.date], hours: Mapping[dt.date, float]) -> Drawing:
    line = {"half of them sooner": [hours.get(day) for day in days]}
    title = "From authorization to capture"
    svg = plot.levels(line, days=days, title=title, unit="h")
    numbers = day_by_day(line, days=days, form="{:.2f} h")
    return Drawing(title, svg, note="The median, in hours.", numbers=numbers, width="half")


def _rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
