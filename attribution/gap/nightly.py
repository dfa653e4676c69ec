"""What a night does: measure the days that have ended, and tell of what is not usual."""

import datetime as dt

from attribution.gap import alerts, versions


def measure(at: dt.datetime) -> None:
    """As of a moment; see `versions.restate` and `alerts.look`."""
    versions.restate(at)
    alerts.look(at)
