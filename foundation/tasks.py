"""One line each: call the verb."""

from celery import shared_task
from django.conf import settings

from foundation import cases, heartbeat, inspection, periodic
from foundation.periodic import once_per_window, sweep

QUARTER_HOUR = 900
DAY = 86_400


@shared_task
@once_per_window("check_invariants", seconds=QUARTER_HOUR)
def check_invariants() -> None:
    """Ask every rule about the rows of the last days."""
    inspection.inspect(everything=False)


@shared_task
@once_per_window("check_all_invariants", seconds=DAY)
def check_all_invariants() -> None:
    """Ask every rule about all rows."""
    inspection.inspect(everything=True)


@shared_task
@sweep
def resolve_healed_cases() -> None:
    """End the cases whose trouble is over."""
    cases.resolve_healed(limit=settings.CASES_LOOKED_AT)


@shared_task
def canary(queue: str) -> None:
    """A worker takes from this queue: say so."""
    heartbeat.beat(queue)


@shared_task
@once_per_window("forget_periodic_runs", seconds=DAY)
def forget_periodic_runs() -> None:
    """Delete the rows of windows that ended long ago."""
    periodic.forget(older_than=settings.PERIODIC_RUNS_KEEP)
