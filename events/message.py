"""An event as the world is told of it: its type, its moment, and public ids. Thin on purpose."""

import datetime as dt
from typing import Any

import orjson

from events.models import OutboxEvent


def message(event: OutboxEvent) -> dict[str, Any]:
    """`{type, timestamp, data}` of Standard Webhooks; the same in every delivery and in the feed.

    `sequence` counts within the event's story, some numbers of which stay in the house.
    """
    told = {name: value for name, value in event.payload.items() if not name.endswith("_id")}
    return {
        "type": event.type,
        "timestamp": rfc3339(event.created_at),
        "data": {"id": event.reference, "sequence": event.sequence, **told},
    }


def body(event: OutboxEvent) -> bytes:
    """The same as bytes: what is signed is what is sent."""
    return orjson.dumps(message(event))


def rfc3339(moment: dt.datetime) -> str:
    """A moment on the wire, in UTC."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
