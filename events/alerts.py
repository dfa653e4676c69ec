"""Limits that are crossed are told of: one event for each, in the transaction of its row."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from events import outbox
from events.outbox import Event
from foundation import crossings
from foundation.crossings import Reading
from foundation.models import Crossing
from foundation.transactions import durable


def tell(
    event_type: str,
    rule: str,
    readings: Sequence[Reading],
    *,
    day: dt.date,
    about: Callable[[Crossing], Mapping[str, Any]],
) -> int:
    """Settle what was read of one rule; how many limits have just been crossed, and were told of.

    `about` says what was measured, by its crossing's subject. The events are nobody's: only
    whoever sees all hears of them.
    """
    with durable():
        found = crossings.settle(rule, readings, day=day)
        for row in found:
            facts = {"rule": row.rule, **about(row), **_measured(row)}
            outbox.record(row.pk, [Event(event_type, facts)], client_id=None)
    return len(found)


def _measured(row: Crossing) -> dict[str, Any]:
    return {"day": row.day.isoformat(), "value": row.value, "limit": row.most}
