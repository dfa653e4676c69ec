"""Numbers that cross their limits: each crossing is a row, told of once, until it is back below.

A crossing that lasts is one row, however often it is looked at; one that ends and begins again is
told of once a day at most.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from foundation import clock
from foundation.ids import new_id
from foundation.models import Crossing

_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('crossings'), hashtext(%s))"
_RAISE: Final = """
    INSERT INTO foundation_crossing
        (id, rule, subject, day, value, most, began_at, seen_at)
    VALUES (%(id)s, %(rule)s, %(subject)s, %(day)s, %(value)s, %(most)s, %(now)s, %(now)s)
    ON CONFLICT (rule, subject, day) DO UPDATE SET ended_at = NULL, value = excluded.value,
        most = excluded.most, seen_at = excluded.seen_at
    RETURNING id, xmax = 0
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """A number of one subject; it is over when it is more than `most`."""

    subject: str
    value: float
    most: float

    @property
    def is_over(self) -> bool:
        """Whether its limit is crossed."""
        return self.value > self.most


def settle(rule: str, readings: Sequence[Reading], *, day: dt.date) -> list[Crossing]:
    """Write down what these readings say of one rule; returns the crossings to be told of.

    In the caller's transaction, which records the events of what is returned. A subject that is
    not read any more has no crossing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME, [rule])
    over = {reading.subject: reading for reading in readings if reading.is_over}
    running = Crossing.objects.filter(rule=rule, ended_at=None)
    running.exclude(subject__in=over).update(ended_at=clock.now())
    known = {row.subject: row for row in running}
    for subject in sorted(known.keys() & over.keys()):
        _seen(known[subject], over[subject])
    begun = [_begin(rule, over[name], day) for name in sorted(over.keys() - known.keys())]
    return list(Crossing.objects.filter(pk__in=[pk for pk in begun if pk]).order_by("subject"))


def _seen(row: Crossing, reading: Reading) -> None:
    Crossing.objects.filter(pk=row.pk).update(
        value=reading.value, most=reading.most, seen_at=clock.now()
    )


def _begin(rule: str, reading: Reading, day: dt.date) -> str | None:
    """The id of a new row; None when this day has told of it before."""
    given: dict[str, Any] = {
        "id": new_id(), "rule": rule, "subject": reading.subject, "day": day,
        "value": reading.value, "most": reading.most, "now": clock.now(),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RAISE, given)
        found, is_new = cursor.fetchone()
    return str(found) if is_new else None
