"""The only way to start anything asynchronous: a row in the transaction of the change itself."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from events import nudge
from events.catalogue import CATALOGUE, PUBLIC
from foundation import clock
from foundation.ids import new_id

_RECORD: Final = """
    WITH counter AS (
        INSERT INTO events_eventstream (id, last_sequence) VALUES (%s, %s)
        ON CONFLICT (id) DO UPDATE
            SET last_sequence = events_eventstream.last_sequence + excluded.last_sequence
        RETURNING last_sequence
    ), fact (id, type, payload, nth, is_public) AS (
        VALUES {rows}
    ), told AS (
        INSERT INTO events_feedentry (event_id, client_id, type, subjects)
        SELECT id, %s::uuid, type, '{{}}' FROM fact WHERE is_public
    )
    INSERT INTO events_outboxevent
        (id, type, payload, stream, sequence, created_at, state, due_at, attempts,
         last_error)
    SELECT fact.id, fact.type, fact.payload, %s, last_sequence - %s + fact.nth,
           %s, 'pending', %s, 0, ''
    FROM counter, fact
"""


@dataclass(frozen=True)
class Event:
    """A fact to tell: its type from the catalogue, and ids (never a whole object)."""

    type: str
    payload: dict[str, Any]


def record(stream: uuid.UUID, events: Sequence[Event], *, client_id: uuid.UUID | None) -> None:
    """Append `events` to a stream, in one statement, inside the caller's transaction.

    `client_id` is whose things they tell of: that client hears of them, where their types are
    public. None: they are nobody's, and only whoever sees all hears of them.

    The stream's counter row is locked by it until commit, so sequences have no gaps and are
    in commit order. Raises `LookupError` for a type that is not in the catalogue.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an event is recorded in the transaction of the change it tells of")
    for event in events:
        if event.type not in CATALOGUE:
            raise LookupError(f"event type {event.type!r} is not in events/catalogue.py")
    rows = ", ".join(["(%s::uuid, %s, %s::jsonb, %s::int, %s::boolean)"] * len(events))
    count, moment = len(events), clock.now()
    values: list[Any] = [
        value
        for nth, event in enumerate(events, start=1)
        for value in (new_id(), event.type, Jsonb(event.payload), nth, event.type in PUBLIC)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD.format(rows=rows),
            [stream, count, *values, client_id, stream, count, moment, moment],
        )
    transaction.on_commit(nudge.the_relay, robust=True)
