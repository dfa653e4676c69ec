"""The nights after some days, early: a process whose own clock is moved compares what is due."""

import datetime as dt
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from checkout_project.embedded import children
from checkout_project.processes import ROOT, ShopFailed
from foundation import clock
from reconciliation import daily

NIGHT_SECONDS = 120
REASON_LINES = 3  # of a trace: an exception is named at its end
_AT = dt.timedelta(hours=5)  # after midnight: later than `RECONCILIATION_LAG_SECONDS`


def passed(days: Sequence[dt.date], environment: Mapping[str, str], folder: Path) -> None:
    """Run `compare` where the settings are those of the demo. Raises `ShopFailed`."""
    log = folder / f"night-{days[0]}.log"
    child = children.spawn(
        [sys.executable, "manage.py", "demo", "--night", *map(str, days)],
        env=environment,
        cwd=ROOT,
        log=log,
        death_signal=signal.SIGKILL,
    )
    try:
        if child.wait(NIGHT_SECONDS) != 0:
            reason = children.tail(log).strip().splitlines()[-REASON_LINES:]
            raise ShopFailed(f"the night after {days[0]} failed: {' '.join(reason)}")
    finally:
        children.end(child, grace_seconds=0)


def compare(days: Sequence[dt.date]) -> None:
    """What the timetable does in the night after each day (UTC): runs, breaks, safe repairs."""
    for day in days:
        midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)
        clock.move(midnight + _AT - clock.now())
        daily.reconcile_due()
