"""From the outbox to Celery: lease, commit, send, mark.

Rows are claimed by exact ids with SKIP LOCKED (a cursor of the form "id > last" skips rows
whose transaction commits late). Nothing is sent inside the claiming transaction. A crash
between sending and marking sends again after the lease: consumers are no-ops on a repeat.
An event that can not be sent although the broker is there is `dead` after some tries, for
staff to see; a broker that is away is waited for, for as long as it takes.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from amqp.exceptions import AMQPError
from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils.module_loading import import_string
from kombu.exceptions import KombuError

from events.models import OutboxEvent
from foundation import cases, clock
from foundation.backoff import doubling
from foundation.cases import Subject
from foundation.transactions import durable

State = OutboxEvent.State
Send = Callable[[OutboxEvent], None]
_log = logging.getLogger(__name__)
BROKER_IS_AWAY: Final = (KombuError, AMQPError, OSError)
# Away for a minute: look again after a quarter of that; no counter can run out.
_PAUSE_SHARE: Final = 0.25
_PAUSE_SECONDS_MIN: Final = 1.0
DEAD: Final = "event_dead"
_OPEN: Final = (State.PENDING, State.LEASED, State.RETRYING)


def relay_batch(*, limit: int, send: Send | None = None) -> int:
    """Relay up to `limit` due events; returns how many were claimed."""
    events = _lease(limit)
    sent: list[OutboxEvent] = []
    for position, event in enumerate(events):
        try:
            (send or send_to_celery)(event)
            sent.append(event)
        except BROKER_IS_AWAY as error:
            _wait_for_broker(events[position:], error)
            break
        except Exception as error:  # noqa: BLE001 - whatever one event has, the others go on
            _log.exception("relay: %s can not be sent", event.reference)
            _retry_later(event, error)
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


def _held(events: Sequence[OutboxEvent]) -> QuerySet[OutboxEvent]:
    """The rows whose lease is still ours: each lease counts a try, so a later one has more."""
    ours = Q(pk__in=[])
    for tries in {event.attempts for event in events}:
        ids = [event.pk for event in events if event.attempts == tries]
        ours |= Q(attempts=tries + 1, pk__in=ids)
    return OutboxEvent.objects.filter(ours, state=State.LEASED)


def _mark_sent(events: Sequence[OutboxEvent]) -> None:
    if events:
        _held(events).update(state=State.SENT, sent_at=clock.now())


def _wait_for_broker(events: Sequence[OutboxEvent], error: Exception) -> None:
    """None of these is to blame: none loses a try, and the pause grows with the outage."""
    _log.warning("relay: the broker is away (%s); %d events wait", error, len(events))
    waited = (clock.now() - events[0].created_at).total_seconds()
    seconds = max(waited * _PAUSE_SHARE, _PAUSE_SECONDS_MIN)
    _put_back(events, error, State.RETRYING, seconds=seconds, attempts=F("attempts") - 1)


def _retry_later(event: OutboxEvent, error: Exception) -> None:
    """This one can not be sent although the broker is there: a few tries, then it is staff's."""
    seconds = doubling(1.0, times=event.attempts, most=settings.RELAY_RETRY_SECONDS_MAX)
    if event.attempts < settings.RELAY_TRIES_MAX:
        _put_back([event], error, State.RETRYING, seconds=seconds)
        return
    with durable():
        if _put_back([event], error, State.DEAD, seconds=seconds):
            _tell_dead(event, error)


def _tell_dead(event: OutboxEvent, error: Exception) -> None:
    cases.open_once(
        DEAD,
        about=Subject("outboxevent", event.pk),
        title=f"{event.type} {event.reference} can not be told",
        detail=f"{type(error).__name__}: {error}",
        began_at=clock.now(),
    )


def revive(event_id: uuid.UUID) -> bool:
    """Let a dead event be tried again, with all its tries; False when it is not dead."""
    dead = OutboxEvent.objects.filter(pk=event_id, state=State.DEAD)
    return dead.update(state=State.RETRYING, attempts=0, due_at=clock.now()) == 1


def _put_back(
    events: Sequence[OutboxEvent],
    error: Exception,
    state: State,
    *,
    seconds: float,
    **changes: Any,
) -> int:
    pause = min(seconds, settings.RELAY_RETRY_SECONDS_MAX)
    return _held(events).update(
        state=state,
        due_at=clock.now() + dt.timedelta(seconds=pause),
        last_error=f"{type(error).__name__}: {error}"[:500],
        **changes,
    )


def send_to_celery(event: OutboxEvent) -> None:
    """Start every chain that the switchboard names for this event's type."""
    for chain_for in _chains(event.type):
        chain_for(event.payload).apply_async()


@cache
def _chains(event_type: str) -> tuple[Callable[[Mapping[str, Any]], Any], ...]:
    routes: Mapping[str, Sequence[str]] = settings.EVENT_ROUTES
    return tuple(import_string(name) for name in routes.get(event_type, ()))
