"""Telling again: one delivery, or all events of a range to one endpoint.

The delivery that is there goes back to `retrying` with all its tries, under the id it had; an
event that was never told to this endpoint gets its first delivery. What is due or under way
stays so; what waits for its next try waits no longer.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from events import endpoints
from events.message import rfc3339
from events.models import FeedEntry, WebhookDelivery, WebhookEndpoint
from events.refusals import DeliveryInProgress, ReplayTooLarge
from events.states import DELIVERY
from foundation import audit, clock, ids
from foundation.errors import NotFound
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable

_REPEATABLE: Final = ("sent", "dead", "retrying")

# The guarded move of many rows at once, journaled as `state_machine.move` does for one.
_AGAIN: Final = """
    WITH before AS (
        SELECT id, state FROM events_webhookdelivery
        WHERE endpoint_id = %(endpoint)s AND event_id = ANY(%(events)s)
            AND state = ANY(%(repeatable)s)
        ORDER BY id FOR NO KEY UPDATE
    ), moved AS (
        UPDATE events_webhookdelivery delivery
        SET state = 'retrying', due_at = %(now)s, tries = 0
        FROM before WHERE delivery.id = before.id
        RETURNING before.id, before.state
    )
    INSERT INTO foundation_transition
        (aggregate, aggregate_id, from_state, to_state, actor, reason, at)
    SELECT 'webhookdelivery', id, state, 'retrying', %(by)s, %(reason)s, %(now)s FROM moved
"""


def again(delivery_id: uuid.UUID, *, by: str, reason: str) -> WebhookDelivery:
    """Send one again now. Raises `EndpointNotEnabled`, `DeliveryInProgress`, `NotFound`."""
    with durable():
        delivery = _found(delivery_id)
        endpoints.awake(delivery.endpoint_id)
        before = delivery.state
        try:
            move(
                delivery, table=DELIVERY, to="retrying", by=by, reason=reason,
                only_from=_REPEATABLE, due_at=clock.now(), tries=0,
            )  # fmt: skip
        except IllegalTransition as error:
            raise DeliveryInProgress("See what becomes of it, then ask again.") from error
        audit.record(
            actor=by,
            action="webhook_delivery.again",
            aggregate="webhookdelivery",
            aggregate_id=delivery.pk,
            reason=reason,
            before={"state": before},
            after={"state": delivery.state},
        )
    return delivery


def _found(delivery_id: uuid.UUID) -> WebhookDelivery:
    rows = WebhookDelivery.objects.select_related("endpoint", "event")
    delivery = rows.filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound("It was forgotten meanwhile.")
    return delivery


def replay(
    endpoint_id: uuid.UUID,
    *,
    since: dt.datetime,
    until: dt.datetime,
    types: Sequence[str],
    by: str,
) -> int:
    """Tell the endpoint again of what happened from `since` up to `until`; how many events.

    No types: all that it asks for. Raises `EndpointNotEnabled`, `ReplayTooLarge`.
    """
    with durable():
        endpoint = endpoints.awake(endpoint_id)
        most = settings.WEBHOOK_REPLAY_MAX
        chosen = _chosen(endpoint, since, until, types).values_list("event_id", flat=True)
        events = list(chosen.order_by("position")[: most + 1])
        if len(events) > most:
            raise ReplayTooLarge(f"More than {most} events: choose a shorter range.")
        _tell_again(endpoint, events, by=by)
        audit.record(
            actor=by,
            action="webhook_endpoint.replayed",
            aggregate="webhookendpoint",
            aggregate_id=endpoint.pk,
            reason="asked for",
            before={},
            after={
                "since": rfc3339(since), "until": rfc3339(until), "types": list(types),
                "events": len(events),
            },
        )  # fmt: skip
    return len(events)


def _chosen(
    endpoint: WebhookEndpoint, since: dt.datetime, until: dt.datetime, types: Sequence[str]
) -> QuerySet[FeedEntry]:
    rows = FeedEntry.objects.filter(position__isnull=False)
    rows = rows.filter(event_id__gte=ids.floor(since), event_id__lt=ids.floor(until))
    if not endpoint.all_clients:
        rows = rows.filter(client_id=endpoint.client_id)
    asked = set(types) or set(endpoint.event_types)
    named = Q() if "*" in asked else Q(type__in=sorted(asked))
    return rows.filter(named).exclude(type="webhook_endpoint.pinged")


def _tell_again(endpoint: WebhookEndpoint, events: list[uuid.UUID], *, by: str) -> None:
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _AGAIN,
            {
                "endpoint": endpoint.pk, "events": events, "repeatable": list(_REPEATABLE),
                "now": now, "by": by, "reason": "replay of a range",
            },
        )  # fmt: skip
    WebhookDelivery.objects.bulk_create(
        [WebhookDelivery(endpoint=endpoint, event_id=event, due_at=now) for event in events],
        ignore_conflicts=True,
        batch_size=1000,
    )
