"""Periodic jobs guarded by a row per (job, window): two beats do no harm, and no window is lost.

A window is `seconds` long, counted from the epoch. A sweep looks at rows, so a window it missed
needs no repair. A job that must run for each window (each day) says so by `for_each_window`:
it is given those it missed, oldest first, before the present one.
"""

import datetime as dt
import math
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from django.db import connection

from foundation import clock, clock_skew
from foundation.models import PeriodicRun

P = ParamSpec("P")
_GIVEN_UP_AFTER = dt.timedelta(hours=1)


def once_per_window(
    job: str, *, seconds: float
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Run the job for the current window of `seconds` unless somebody did already."""

    def decorate(run: Callable[P, None]) -> Callable[P, None]:
        @wraps(run)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            window = window_of(clock.now(), seconds)
            if claim(job, window):
                run(*args, **kwargs)
                _finish(job, window)

        return guarded

    return decorate


def sweep(run: Callable[[], None]) -> Callable[..., None]:
    """Run the job once in each window whose length the timetable sends along.

    Not on a host whose clock can not be trusted with leases. Called without a length, it runs: a
    sweep looks at rows, and two of them take different ones. The window spares the second of
    two beats the look, and its row says when it last came through.
    """

    job = f"{run.__module__}.{run.__name__}"

    @wraps(run)
    def guarded(*, window_seconds: float = 0.0) -> None:
        if not window_seconds:
            run()
            return
        window = window_of(clock.now(), window_seconds)
        if clock_skew.is_bounded() and claim(job, window):
            run()
            _finish(job, window)

    return guarded


def for_each_window(
    job: str, *, seconds: float, most: int
) -> Callable[[Callable[[dt.datetime], None]], Callable[[], None]]:
    """Run the job for the current window and those it missed, at most `most` of them in one go.

    The job is given the window's start. One that fails keeps its window, and with it the
    later ones, for the next call: a day is never skipped because the next one went well.
    """

    def decorate(run: Callable[[dt.datetime], None]) -> Callable[[], None]:
        @wraps(run)
        def guarded() -> None:
            for window in missed_windows(job, seconds=seconds, most=most):
                if not claim(job, window):
                    return  # somebody is at it, and the later ones wait for it
                _run_or_release(job, window, run)

        return guarded

    return decorate


def _run_or_release(job: str, window: dt.datetime, run: Callable[[dt.datetime], None]) -> None:
    try:
        run(window)
    except BaseException:
        PeriodicRun.objects.filter(job=job, window=window, finished_at=None).delete()
        raise
    _finish(job, window)


def missed_windows(job: str, *, seconds: float, most: int) -> list[dt.datetime]:
    """The windows after the last that came to its end up to the present one, oldest first.

    At most `most`. A job that never ran has missed none but the present one.
    """
    now = window_of(clock.now(), seconds)
    ended = PeriodicRun.objects.filter(job=job, finished_at__isnull=False)
    last = ended.order_by("-window").values_list("window", flat=True).first()
    if last is None:
        return [now]
    count = round((now - last).total_seconds() / seconds)
    step = dt.timedelta(seconds=seconds)
    return [last + step * number for number in range(1, min(count, most) + 1)]


def window_of(moment: dt.datetime, seconds: float) -> dt.datetime:
    """The start of the window that holds `moment`; windows are counted from the epoch."""
    start = math.floor(moment.timestamp() / seconds) * seconds
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


def _finish(job: str, window: dt.datetime) -> None:
    PeriodicRun.objects.filter(job=job, window=window).update(finished_at=clock.now())


def forget(*, older_than: dt.timedelta) -> int:
    """Delete the rows of windows that ended long ago, but each job's last; how many they were.

    The last one is what `missed_windows` counts from.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM foundation_periodicrun run
               WHERE run.started_at < %s AND EXISTS (
                   SELECT 1 FROM foundation_periodicrun later
                   WHERE later.job = run.job AND later."window" > run."window"
                     AND later.finished_at IS NOT NULL)""",
            [clock.now() - older_than],
        )
        return int(cursor.rowcount)
