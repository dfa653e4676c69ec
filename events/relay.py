"""From the outbox to Celery: lease, commit, send, mark.

Rows are claimed by exact ids with SKIP LOCKED (a cursor of the form "id > last" skips rows
whose transaction commits late). Nothing is sent inside the claiming transaction. A crash
between sending and marking sends again after the lease: consumers are no-ops on a repeat.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.db.models import F
from django.utils.module_loading import import_string

from events.models import OutboxEvent
from foundation import clock
from foundation.transactions import durable

State = OutboxEvent.State
Send = Callable[[OutboxEvent], None]
_log = logging.getLogger(__name__)
_OPEN: Final = (State.PENDING, State.LEASED, State.RETRYING)


def relay_batch(*, limit: int, send: Send | None = None) -> int:
    """Relay up to `limit` due events; returns how many were claimed."""
    events = _lease(limit)
    sent: list[uuid.UUID] = []
    for event in events:
        try:
            (send or send_to_celery)(event)
        except Exception as error:  # noqa: BLE001 - the broker may fail in any way; the row stays
            _retry_later(event, error)
            break  # the others keep their short lease and follow when the broker is back
        sent.append(event.pk)
    _mark_sent(sent)
    return len(events)


def _lease(limit: int) -> Sequence[OutboxEvent]:
    lease = dt.timedelta(seconds=settings.RELAY_LEASE_SECONDS)
    with durable():
        events = list(
            OutboxEvent.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(state__in=_OPEN, due_at__lte=clock.now())
            .order_by("due_at")[:limit]
        )
        OutboxEvent.objects.filter(pk__in=[event.pk for event in events]).update(
            state=State.LEASED, due_at=clock.now() + lease, attempts=F("attempts") + 1
        )
    return events


def _mark_sent(ids: Sequence[uuid.UUID]) -> None:
    if ids:
        OutboxEvent.objects.filter(pk__in=ids, state=State.LEASED).update(
            state=State.SENT, sent_at=clock.now()
        )


def _retry_later(event: OutboxEvent, error: Exception) -> None:
    seconds = min(2.0 ** min(event.attempts, 6), settings.RELAY_RETRY_SECONDS_MAX)
    _log.warning("relay: %s not sent (%s), again in %.0f s", event.reference, error, seconds)
    OutboxEvent.objects.filter(pk=event.pk, state=State.LEASED).update(
        state=State.RETRYING,
        due_at=clock.now() + dt.timedelta(seconds=seconds),
        last_error=str(error)[:500],
    )


def send_to_celery(event: OutboxEvent) -> None:
    """Start every chain that the switchboard names for this event's type."""
    for chain_for in _chains(event.type):
        chain_for(event.payload).apply_async()


@cache
def _chains(event_type: str) -> tuple[Callable[[Mapping[str, Any]], Any], ...]:
    routes: Mapping[str, Sequence[str]] = settings.EVENT_ROUTES
    return tuple(import_string(name) for name in routes.get(event_type, ()))
