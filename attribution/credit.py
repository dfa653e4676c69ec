"""Who gets the credit for an order: pure functions of its journey, so that it can be asked again.

A journey is what led to an order, oldest first, the checkout's own snapshot last. Amounts are
integer minor units, and every model's credits add up to the order's total exactly. Raise
`MODEL_VERSION` with any change of a rule: a credit says by which rules it was given.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from foundation.money import allocate

MODEL_VERSION: Final = 1
UNKNOWN: Final = "unknown"
# Somebody has to say "direct"; that nothing is known of a visit is another thing.
_DIRECT: Final = frozenset({"direct", "(direct)"})


@dataclass(frozen=True, slots=True)
class Touch:
    """One visit of a journey: when it was, and where it came from."""

    at: dt.datetime
    source: str = UNKNOWN
    medium: str = UNKNOWN
    campaign: str = UNKNOWN

    @property
    def is_known(self) -> bool:
        """Whether anything says where it came from."""
        return self.source != UNKNOWN

    @property
    def is_direct(self) -> bool:
        """Whether somebody said that it came by itself."""
        return self.source.lower() in _DIRECT


@dataclass(frozen=True, slots=True)
class Credit:
    """So much of an order's total is thanks to this visit."""

    touch: Touch
    amount: int


def first_touch(journey: Sequence[Touch], total: int) -> list[Credit]:
    """All of it to the visit that began the journey."""
    return _to_one(journey[:1], total)


def last_touch(journey: Sequence[Touch], total: int) -> list[Credit]:
    """All of it to the last visit, whatever it was."""
    return _to_one(journey[-1:], total)


def last_non_direct(journey: Sequence[Touch], total: int) -> list[Credit]:
    """All of it to the last visit that is known not to be direct; if there is none, to the last."""
    told = [touch for touch in journey if touch.is_known and not touch.is_direct]
    return _to_one((told or list(journey))[-1:], total)


def linear(journey: Sequence[Touch], total: int) -> list[Credit]:
    """The same to every visit; the odd units go to the earliest."""
    if not journey:
        return []
    shares = allocate(total, [1] * len(journey))
    return [Credit(touch, share) for touch, share in zip(journey, shares, strict=True)]


Model = Callable[[Sequence[Touch], int], list[Credit]]
MODELS: Final[Mapping[str, Model]] = {
    "first_touch": first_touch,
    "last_touch": last_touch,
    "last_non_direct": last_non_direct,
    "linear": linear,
}


def _to_one(chosen: Sequence[Touch], total: int) -> list[Credit]:
    return [Credit(touch, total) for touch in chosen]
