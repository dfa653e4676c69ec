"""What the start page tells of our books and the processor's."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from django.db import connection
from django.urls import reverse

from foundation.desk import plot
from foundation.desk.sections import Drawing, Waiting, day_by_day
from reconciliation.models import ReconciliationBreak
from reconciliation.states import UNSETTLED

_FOUND: Final = """
    SELECT (first_seen_at AT TIME ZONE 'UTC')::date, count(*),
        count(*) FILTER (WHERE state IN ('open', 'assigned', 'reopened'))
    FROM reconciliation_reconciliationbreak WHERE first_seen_at >= %s GROUP BY 1
"""


def waiting() -> list[Waiting]:
    """Breaks that nobody has settled; one statement."""
    count = ReconciliationBreak.objects.filter(state__in=UNSETTLED).count()
    address = reverse("admin:reconciliation_reconciliationbreak_changelist")
    permission = "reconciliation.view_reconciliationbreak"
    return [Waiting("breaks in the books", count, address, permission, "bad")]


def drawings(days: Sequence[dt.date]) -> list[Drawing]:
    """Breaks by the day they were first seen on, and what became of them; one statement."""
    first = dt.datetime.combine(days[0], dt.time(), tzinfo=dt.UTC)
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, [first])
        found = {day: (count, left) for day, count, left in cursor.fetchall()}
    series = {
        "settled": [found[day][0] - found[day][1] if day in found else 0 for day in days],
        "open": [found[day][1] if day in found else 0 for day in days],
    }
    title = "Breaks by the day they were found"
    svg = plot.bars(series, days=days, title=title)
    return [Drawing(title, svg, numbers=day_by_day(series, days=days), width="half")]
