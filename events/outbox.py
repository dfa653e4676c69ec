"""The only way to start anything asynchronous: a row in the transaction of the change itself."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from events import nudge
from events.catalogue import CATALOGUE, PUBLIC
from foundation import clock, tracing
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
         last_error, trace)
    SELECT fact.id, fact.type, fact.payload, %s, last_sequence - %s + fact.nth,
           %s, 'pending', %s, 0, '', %s
    FROM counter, fact
"""
_RECORD_EACH: Final = """
    WITH counter AS (
        INSERT INTO events_eventstream (id, last_sequence)
        SELECT stream, 1 FROM unnest(%(streams)s::uuid[]) stream
        ON CONFLICT (id) DO UPDATE SET last_sequence = events_eventstream.last_sequence + 1
        RETURNING id, last_sequence
    ), fact (stream, id, type, payload) AS (
        SELECT * FROM unnest(%(streams)s::uuid[], %(ids)s::uuid[], %(types)s::text[],
                             %(payloads)s::jsonb[])
    ), told AS (
        INSERT INTO events_feedentry (event_id, client_id, type, subjects)
        SELECT id, %(client)s::uuid, type, '{}' FROM fact WHERE type = ANY(%(public)s)
    )
    INSERT INTO events_outboxevent
        (id, type, payload, stream, sequence, created_at, state, due_at, attempts, last_error,
         trace)
    SELECT fact.id, fact.type, fact.payload, fact.stream, last_sequence,
           %(moment)s, 'pending', %(moment)s, 0, '', %(trace)s
    FROM fact JOIN counter ON counter.id = fact.stream
"""
_FACT: Final = "(%s::uuid, %s, %s::jsonb, %s::int, %s::boolean)"


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
    _refuse_unfit(events)
    rows = ", ".join([_FACT] * len(events))
    count, moment = len(events), clock.now()
    values: list[Any] = [
        value
        for nth, event in enumerate(events, start=1)
        for value in (new_id(), event.type, Jsonb(event.payload), nth, event.type in PUBLIC)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD.format(rows=rows),
            [
                stream, count, *values, client_id, stream, count, moment, moment,
                tracing.current(),
            ],
        )  # fmt: skip
    transaction.on_commit(nudge.the_relay, robust=True)


def record_each(told: Mapping[uuid.UUID, Event], *, client_id: uuid.UUID | None) -> None:
    """Append one event to each of many streams, in one statement. As `record` otherwise."""
    _refuse_unfit(list(told.values()))
    moment, order = clock.now(), sorted(told)
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD_EACH,
            {
                "streams": order,
                "ids": [new_id() for _ in order],
                "types": [told[stream].type for stream in order],
                "payloads": [Jsonb(told[stream].payload) for stream in order],
                "moment": moment,
                "client": client_id,
                "public": sorted(PUBLIC),
                "trace": tracing.current(),
            },
        )
    transaction.on_commit(nudge.the_relay, robust=True)


def _refuse_unfit(events: Sequence[Event]) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("an event is recorded in the transaction of the change it tells of")
    for event in events:
        if event.type not in CATALOGUE:
            raise LookupError(f"event type {event.type!r} is not in events/catalogue.py")
