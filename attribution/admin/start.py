"""What the start page tells of analytics against money: the days that were measured."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from django.db import connection

from attribution.figures import BASES, MATCHED, MISSING
from foundation.desk import plot
from foundation.desk.sections import Drawing, day_by_day

# The newest version of each day and client counts; the money's currencies do not mix, orders do.
_MISSING: Final = """
    SELECT counting.day, coalesce(sum(figure.count) FILTER (WHERE figure.outcome = %s), 0),
        sum(figure.count)
    FROM (SELECT DISTINCT ON (client_id, day) id, day FROM attribution_gapversion
          WHERE base = %s AND day BETWEEN %s AND %s
          ORDER BY client_id, day, version DESC) counting
    JOIN attribution_gapfigure figure ON figure.version_id = counting.id
    WHERE figure.outcome IN (%s, %s) GROUP BY counting.day
"""


def drawings(days: Sequence[dt.date]) -> list[Drawing]:
    """The share of placed orders that analytics did not see; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, [MISSING, BASES[0], days[0], days[-1], MATCHED, MISSING])
        found = {day: float(part / whole) for day, part, whole in cursor.fetchall() if whole}
    line = {"orders that analytics did not see": [found.get(day) for day in days]}
    title = "The gap between analytics and orders"
    svg = plot.shares(line, days=days, title=title)
    numbers = day_by_day(line, days=days, form="{:.1%}")
    note = "Days that were measured; today's is open."
    return [Drawing(title, svg, note=note, numbers=numbers, width="half")]
