"""When a delivery that failed is tried again."""

import datetime as dt
import secrets
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Final

# So that what failed together does not come back together.
_JITTER: Final = 0.1
_GRAIN: Final = 10_000


def pause(schedule: Sequence[float], *, tries: int, asked: float, most: float) -> float | None:
    """Seconds to wait after `tries` failures, or None when there were enough.

    `asked` is what the receiver wants to be left alone for; more than `most` is not heard.
    """
    if tries > len(schedule):
        return None
    spread = 1 + _JITTER * (secrets.randbelow(_GRAIN) / _GRAIN)
    return max(schedule[tries - 1] * spread, min(asked, most))


def asked_for(retry_after: str, *, now: dt.datetime) -> float:
    """Seconds that a `Retry-After` asks for, as a number or as a date; 0 for anything else."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year or a zone that no calendar has
        return 0.0
    if moment.tzinfo is None:
        return 0.0
    return max((moment - now).total_seconds(), 0.0)
