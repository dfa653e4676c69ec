"""Periodic jobs guarded by a row per (job, window): two beats do no harm."""

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from django.db import connection

from foundation import clock
from foundation.models import PeriodicRun

P = ParamSpec("P")
_GIVEN_UP_AFTER = dt.timedelta(hours=1)


def once_per_window(job: str, *, seconds: int) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Run the job for the current window of `seconds` unless somebody did already."""

    def decorate(run: Callable[P, None]) -> Callable[P, None]:
        @wraps(run)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            window = window_of(clock.now(), seconds)
            if claim(job, window):
                run(*args, **kwargs)
                PeriodicRun.objects.filter(job=job, window=window).update(finished_at=clock.now())

        return guarded

    return decorate


def window_of(moment: dt.datetime, seconds: int) -> dt.datetime:
    """The start of the window that holds `moment`; windows are counted from the epoch."""
    start = int(moment.timestamp()) // seconds * seconds
    return dt.datetime.fromtimestamp(start, dt.UTC)


def claim(job: str, window: dt.datetime) -> bool:
    """Whether this window is ours to run: nobody began it, or whoever did is long gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO foundation_periodicrun AS run (job, "window", started_at)
               VALUES (%s, %s, %s)
               ON CONFLICT (job, "window") DO UPDATE SET started_at = excluded.started_at
               WHERE run.finished_at IS NULL AND run.started_at < %s""",
            [job, window, clock.now(), clock.now() - _GIVEN_UP_AFTER],
        )
        return bool(cursor.rowcount == 1)
