"""The port to analytics: two verbs, two kinds of error."""

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


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back of one order, all or a part; `reference` is what it is told apart by."""

    reference: str
    number: str
    amount: Money
    given_at: dt.datetime
    browser_id: str


class Refused(Exception):
    """Analytics does not take it, now or ever: the text says why."""


class Unavailable(Exception):
    """Nobody knows whether it arrived; it is told again, under the same name."""


class AnalyticsPort(Protocol):
    """Whoever is told of purchases and refunds."""

    def send(self, purchase: Purchase) -> None:
        """Tell of one purchase. Raises `Refused` or `Unavailable`."""
        ...

    def send_refund(self, refund: Refund) -> None:
        """Tell of one refund. Raises `Refused` or `Unavailable`."""
        ...
