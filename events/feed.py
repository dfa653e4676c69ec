"""From committed events to their places in the feed, and to a delivery for each who asked.

Places are given here and not when an event is written: numbers that are drawn inside a
transaction become visible in the order of the commits, and whoever had read up to a higher one
would never see the lower. One hand at a time numbers what is committed, so places become
visible in their own order.
"""

import datetime as dt
import uuid
from typing import Final

from django.conf import settings
from django.db import connection

from events.catalogue import PINGED
from events.models import WebhookDelivery
from foundation import clock
from foundation.transactions import durable

_LOCK: Final = 0x5745_4248  # of this job; held until its transaction is over

# In the order of their making; within a story by sequence: ids are drawn before the story's
# counter is locked, and on hosts whose clocks differ.
_NUMBER: Final = """
    WITH waiting AS (
        SELECT event_id FROM events_feedentry WHERE position IS NULL
        ORDER BY event_id LIMIT %(limit)s
    ), turn AS (
        SELECT event.id, event.sequence, event.payload, max(event.id::text) OVER (
            PARTITION BY event.stream ORDER BY event.sequence) AS place
        FROM waiting JOIN events_outboxevent event ON event.id = waiting.event_id
    ), placed AS (
        SELECT id, payload, row_number() OVER (ORDER BY place, sequence) AS nth FROM turn
    ), last AS (
        SELECT coalesce(max(position), 0) AS position FROM events_feedentry
    )
    UPDATE events_feedentry entry
    SET position = last.position + placed.nth,
        subjects = ARRAY(
            SELECT fact.value FROM jsonb_each_text(placed.payload) fact
            WHERE placed.payload ? (fact.key || '_id') AND length(fact.value) <= 40
        )
    FROM placed, last
    WHERE entry.event_id = placed.id
    RETURNING entry.event_id
"""

# An endpoint is told of what happened since it was made, and while it was enabled.
_WHO_ASKED: Final = """
    SELECT endpoint.id, entry.event_id
    FROM events_feedentry entry
    JOIN events_outboxevent event ON event.id = entry.event_id
    JOIN events_webhookendpoint endpoint ON endpoint.state = 'enabled'
        AND endpoint.created_at <= event.created_at
        AND CASE WHEN entry.type = %(pinged)s THEN endpoint.id = event.stream
            ELSE (endpoint.client_id = entry.client_id OR endpoint.all_clients)
                AND endpoint.event_types ?| ARRAY[entry.type, '*'] END
    WHERE entry.event_id = ANY(%(events)s)
    ORDER BY entry.position
"""


def publish(*, limit: int | None = None) -> int:
    """Number up to `limit` committed events and write who is to be told; how many there were.

    0 also while somebody else is at it.
    """
    with durable(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if cursor.fetchone() != (True,):
            return 0
        cursor.execute(_NUMBER, {"limit": limit or settings.FEED_BATCH})
        events = [row[0] for row in cursor.fetchall()]
        if events:
            cursor.execute(_WHO_ASKED, {"events": events, "pinged": PINGED})
            _fan_out(cursor.fetchall(), at=clock.now())
    return len(events)


def _fan_out(pairs: list[tuple[uuid.UUID, uuid.UUID]], *, at: dt.datetime) -> None:
    """Insert a delivery for each (endpoint, event); one that is there stays as it is."""
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(endpoint_id=endpoint, event_id=event, due_at=at, created_at=at)
            for endpoint, event in pairs
        ],
        ignore_conflicts=True,
    )
