"""The port to analytics: one verb, two kinds of error."""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from foundation.money import Money


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order as analytics is told of it; `number` is what it is told apart by."""

    number: str
    total: Money
    tax: Money
    shipping: Money
    placed_at: dt.datetime
    browser_id: str
    session_id: str


class Refused(Exception):
    """Analytics does not take it, now or ever: the text says why."""


class Unavailable(Exception):
    """Nobody knows whether it arrived; it is told again, and recognized by its number."""


class AnalyticsPort(Protocol):
    """Whoever is told of purchases."""

    def send(self, purchase: Purchase) -> None:
        """Tell of one purchase. Raises `Refused` or `Unavailable`."""
        ...
