"""A day's gap that is far from usual, and sales that analytics has and nobody made.

Read from the stored days, for each client and currency; each crossing of a limit is one event. A
day of few orders says nothing: a share of them is chance.
"""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from typing import Final

from django.conf import settings

from attribution.figures import BASES, Figure, Gap, fold
from attribution.gap import versions
from attribution.gap.measuring import day_of
from events import alerts
from foundation.crossings import Reading
from foundation.models import Crossing

RISE: Final = "attribution.gap_rise"
OVER_REPORT: Final = "attribution.over_report"
_ALERTED: Final = "attribution.gap_alerted"


def look(at: dt.datetime) -> int:
    """Read the last day that had ended at a moment; how many limits have just been crossed."""
    day = day_of(at) - dt.timedelta(days=1)
    readings: dict[str, list[Reading]] = {RISE: [], OVER_REPORT: []}
    for subject, gap, before in _gaps(day):
        if gap.orders < settings.GAP_ALERT_ORDERS_MIN:
            continue
        readings[OVER_REPORT].append(_over_report(subject, gap))
        if before is not None and before.orders >= settings.GAP_ALERT_ORDERS_MIN:
            readings[RISE].append(_rise(subject, gap, before))
    told = [
        alerts.tell(_ALERTED, rule, found, day=day, about=_of_whom)
        for rule, found in readings.items()
    ]
    return sum(told)


def _gaps(day: dt.date) -> Iterator[tuple[str, Gap, Gap | None]]:
    """(client and currency, the gap of the day, that of the days before it together)."""
    first = day - dt.timedelta(days=settings.GAP_ALERT_TRAILING_DAYS)
    of_client: dict[uuid.UUID, list[Figure]] = {}
    for version in versions.newest(first, day, base=BASES[0], client_id=None):
        of_client.setdefault(version.client_id, []).extend(versions.figures_of(version))
    for client, figures in sorted(of_client.items()):
        before = _by_currency([figure for figure in figures if figure.day < day])
        for gap in _by_currency([figure for figure in figures if figure.day == day]).values():
            yield f"{client} {gap.currency}", gap, before.get(gap.currency)


def _by_currency(figures: Sequence[Figure]) -> dict[str, Gap]:
    return {gap.currency: gap for gap in fold(figures, ())}


def _rise(subject: str, gap: Gap, before: Gap) -> Reading:
    """In shares of orders: how much more of them analytics did not see than it usually does."""
    rise = (gap.count_gap or 0.0) - (before.count_gap or 0.0)
    return Reading(subject, round(rise, 6), settings.GAP_ALERT_RISE)


def _over_report(subject: str, gap: Gap) -> Reading:
    return Reading(subject, gap.over_report or 0.0, settings.GAP_ALERT_OVER_REPORT)


def _of_whom(row: Crossing) -> dict[str, str]:
    client, _, currency = row.subject.partition(" ")
    return {"client_id": client, "currency": currency}
