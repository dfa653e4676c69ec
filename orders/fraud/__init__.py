"""Screens a checkout before it takes stock or money: accept, review or reject, with reasons.

`screen` is the whole of it: count what came before (velocity.py), apply the rules (rules.py).
"""

from datetime import datetime

from foundation import clock
from orders import rate_tables
from orders.fraud.assessment import Assessment, Attempt, Limits, Reason, Velocities
from orders.fraud.rules import assess
from orders.fraud.velocity import measure_velocities

__all__ = [
    "Assessment",
    "Attempt",
    "HomeRules",
    "Limits",
    "Reason",
    "Velocities",
    "assess",
    "measure_velocities",
    "screen",
]


def screen(attempt: Attempt, *, now: datetime) -> Assessment:
    """Judge one attempt: one SQL statement, and the rules."""
    velocities = measure_velocities(attempt, now=now)
    tables = rate_tables.current()
    return assess(attempt, velocities=velocities, tables=tables, limits=Limits.from_settings())


class HomeRules:
    """The house's own rules, as a provider: they ask nobody."""

    calls_out = False

    def screen(self, attempt: Attempt, *, seconds: float) -> Assessment:  # noqa: ARG002 - asks nobody
        """Judge one attempt now."""
        return screen(attempt, now=clock.now())
