"""Figures of the gap, and what is read off them: pure, so that a stored day reads as a fresh one.

A figure says how many orders or conversions of one group ended alike. Everything a report tells
(gaps, over-report, coverage) is a fold over figures.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

BASES: Final = ("placed", "captured", "net_of_refunds")
DIMENSIONS: Final = ("day", "channel", "campaign", "payment_method")

MATCHED: Final = "matched"
MISSING: Final = "missing"
EXTRA: Final = "extra"
DUPLICATE: Final = "duplicate"
CAUSES: Final = {
    MATCHED: ("", "value_differs", "refunded"),
    MISSING: ("consent_denied", "no_client_id", "send_failed", "sent_late", "unknown"),
    EXTRA: ("refunded", "not_captured", "test_traffic", "unknown"),
    DUPLICATE: ("",),
}


@dataclass(frozen=True, slots=True, order=True)
class Figure:
    """So many of one group ended alike. Amounts in minor units of `currency`."""

    day: dt.date
    channel: str
    campaign: str
    payment_method: str
    currency: str
    outcome: str
    cause: str
    count: int
    known: int
    order_amount: int
    analytics_amount: int


@dataclass(slots=True)
class Sum:
    """Figures added up."""

    count: int = 0
    known: int = 0
    order_amount: int = 0
    analytics_amount: int = 0

    def add(self, figure: Figure) -> None:
        """One more."""
        self.count += figure.count
        self.known += figure.known
        self.order_amount += figure.order_amount
        self.analytics_amount += figure.analytics_amount


@dataclass(slots=True)
class Gap:
    """The gap of one group in one currency."""

    group: tuple[str, ...]
    currency: str
    outcomes: dict[str, Sum] = field(default_factory=lambda: {name: Sum() for name in CAUSES})
    causes: dict[tuple[str, str], Sum] = field(default_factory=dict)

    def add(self, figure: Figure) -> None:
        """One more figure of this group."""
        self.outcomes[figure.outcome].add(figure)
        self.causes.setdefault((figure.outcome, figure.cause), Sum()).add(figure)

    @property
    def orders(self) -> int:
        """Orders that count in this base."""
        return self.outcomes[MATCHED].count + self.outcomes[MISSING].count

    @property
    def order_amount(self) -> int:
        """What they came to."""
        return self.outcomes[MATCHED].order_amount + self.outcomes[MISSING].order_amount

    @property
    def count_gap(self) -> float | None:
        """The share of orders that analytics did not see."""
        return _share(self.outcomes[MISSING].count, self.orders)

    @property
    def value_gap(self) -> float | None:
        """The share of money that analytics did not see of these orders; below zero: too much."""
        seen = self.outcomes[MATCHED].analytics_amount
        return _share(self.order_amount - seen, self.order_amount)

    @property
    def over_report(self) -> float | None:
        """Sales that analytics has and the books do not, for each order."""
        return _share(self.outcomes[EXTRA].count, self.orders)

    @property
    def coverage(self) -> float | None:
        """The share of orders of which we know ourselves where they came from."""
        known = self.outcomes[MATCHED].known + self.outcomes[MISSING].known
        return _share(known, self.orders)


def fold(figures: Iterable[Figure], dimensions: Sequence[str]) -> list[Gap]:
    """A gap for each group of these dimensions and each currency, in their order."""
    gaps: dict[tuple[tuple[str, ...], str], Gap] = {}
    for figure in figures:
        group = tuple(str(getattr(figure, name)) for name in dimensions)
        key = (group, figure.currency)
        gaps.setdefault(key, Gap(*key)).add(figure)
    return [gaps[key] for key in sorted(gaps)]


def _share(part: int, whole: int) -> float | None:
    """Nothing can be said of a share of nothing."""
    return round(part / whole, 6) if whole else None
