"""The nights after some days, early: a process whose own clock is moved compares what is due.

The day's report comes in the night, too: of a day that is not over none is taken.
"""

import datetime as dt
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.core.management import call_command

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
    demo = [sys.executable, "manage.py", "demo"]
    child = children.spawn(
        [*demo, "--reports", str(folder), "--night", *map(str, days)],
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


def report_of(day: dt.date, *, told_on: dt.date, folder: Path) -> Path:
    """Where a report of a day stands that comes in the night after `told_on`."""
    return folder / f"{told_on}-tells-{day}.csv"


def compare(days: Sequence[dt.date], *, reports: Path) -> None:
    """What happens in the night after each day (UTC): its reports come, then what the timetable
    does: runs, breaks, safe repairs."""
    for day in days:
        midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)
        clock.move(midnight + _AT - clock.now())
        for report in sorted(reports.glob(f"{day}-tells-*.csv")):
            _import(report, dt.date.fromisoformat(report.stem.rpartition("-tells-")[2]))
        daily.reconcile_due()


def _import(report: Path, day: dt.date) -> None:
    since, until = f"{day}T00:00:00Z", f"{day + dt.timedelta(days=1)}T00:00:00Z"
    told = ("--account", "stripe", "--since", since, "--until", until)
    call_command("import_settlement", str(report), *told)
