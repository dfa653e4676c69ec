"""One delivery: claimed, sent with no transaction open, closed under the fence of its claim.

    claim   pending | retrying | leased (its holder is gone) → leased, committed
    call    one signed POST
    close   leased → sent | retrying | dead, with what was tried, in one transaction

Killed between the call and the close, it is sent again after the lease under the same id: at
least once. Each claim counts an attempt, and its number is the fence.
"""

import datetime as dt
import logging
import time
import uuid
from typing import Any, Final

from django.conf import settings
from django.db import connection

from events import endpoints, feed, message, safe_http, schedule, signatures
from events.models import DeliveryAttempt, WebhookDelivery, WebhookEndpoint
from events.safe_http import Reply
from events.states import DELIVERY
from foundation import clock
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable, repeat_on_conflict

_log = logging.getLogger(__name__)
BY: Final = "system:webhooks"
_GONE: Final = 410
_DIED: Final = "whoever sends it dies of it"
# It has too much to do: nothing else is sent there for a while either.
_BUSY: Final = (429, 502, 503, 504)

# The oldest due delivery of some endpoint that is enabled, not paused, and not busy with us;
# nor may its client have so much under way that nobody else gets a turn.
_NEXT: Final = """
    WITH busy AS MATERIALIZED (
        SELECT delivery.endpoint_id, endpoint.client_id FROM events_webhookdelivery delivery
        JOIN events_webhookendpoint endpoint ON endpoint.id = delivery.endpoint_id
        WHERE delivery.state = 'leased' AND delivery.due_at > %(now)s
    )
    SELECT head.id
    FROM (
        SELECT endpoint.id FROM events_webhookendpoint endpoint
        WHERE endpoint.state = 'enabled'
          AND (endpoint.paused_until IS NULL OR endpoint.paused_until <= %(now)s)
          AND %(per_endpoint)s > (SELECT count(*) FROM busy WHERE busy.endpoint_id = endpoint.id)
          AND %(per_client)s > (SELECT count(*) FROM busy WHERE busy.client_id = endpoint.client_id)
        ORDER BY random()
    ) free
    CROSS JOIN LATERAL (
        SELECT delivery.id FROM events_webhookdelivery delivery
        WHERE delivery.endpoint_id = free.id
          AND delivery.state IN ('pending', 'leased', 'retrying') AND delivery.due_at <= %(due)s
        ORDER BY delivery.due_at LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED
    ) head
    LIMIT 1
"""


def claim(*, late_by: float = 0.0) -> WebhookDelivery | None:
    """Lease what is due next (for so many seconds already), or None.

    Nobody else sends it until the lease is over.
    """
    with durable():
        delivery_id = _next(late_by)
        if delivery_id is None:
            return None
        delivery = WebhookDelivery.objects.select_related("endpoint", "event").get(pk=delivery_id)
        if delivery.endpoint.state != "enabled":  # since a moment ago, when it was found
            return None
        if delivery.state == "leased" and delivery.tries > len(settings.WEBHOOK_SCHEDULE):
            move(delivery, table=DELIVERY, to="dead", by=BY, reason=_DIED, last_error=_DIED)
            return None
        move(
            delivery,
            table=DELIVERY,
            to="leased",
            by=BY,
            fence={"attempts": delivery.attempts},
            due_at=from_now(settings.WEBHOOK_LEASE_SECONDS),
            attempts=delivery.attempts + 1,
            tries=delivery.tries + 1,
        )
    return delivery


def _next(late_by: float) -> uuid.UUID | None:
    values = {
        "now": clock.now(),
        "due": from_now(-late_by),
        "per_endpoint": settings.WEBHOOK_PER_ENDPOINT,
        "per_client": settings.WEBHOOK_PER_CLIENT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, values)
        row = cursor.fetchone()
    return row[0] if row else None


def deliver(delivery: WebhookDelivery) -> None:
    """Send one that was claimed, and close it."""
    began = clock.now()
    reply = _send(delivery, at=began)
    # Only the close is repeated: an answer that is lost to a lock would be asked for again.
    repeat_on_conflict(lambda: _close(delivery, reply, began))


def deliver_late(*, limit: int, seconds: float, late_by: float = 0.0) -> int:
    """Publish what is committed, then send what is overdue, one by one; how many were."""
    give_up_at = time.monotonic() + seconds
    while feed.publish() and time.monotonic() < give_up_at:
        pass
    sent = 0
    while sent < limit and time.monotonic() < give_up_at:
        delivery = claim(late_by=late_by)
        if delivery is None:
            break
        deliver(delivery)
        sent += 1
    return sent


def _send(delivery: WebhookDelivery, *, at: dt.datetime) -> Reply:
    body = message.body(delivery.event)
    signed = signatures.headers(
        message_id=delivery.event.reference,
        timestamp=int(at.timestamp()),
        body=body,
        secrets_=endpoints.signing(delivery.endpoint, at),
    )
    given = {"Content-Type": "application/json", "User-Agent": "checkout-webhooks/1", **signed}
    return safe_http.post(delivery.endpoint.url, body=body, headers=given)


def _close(delivery: WebhookDelivery, reply: Reply, began: dt.datetime) -> None:
    """The endpoint is locked first, as by whoever replays a range, or each waits for the other."""
    with durable():
        rows = WebhookEndpoint.objects.select_for_update(no_key=True)
        endpoint = rows.get(pk=delivery.endpoint_id)
        _keep(delivery, reply, began)
        is_sent = reply.status is not None and 200 <= reply.status < 300
        to, changes = _sent() if is_sent else _failed(delivery, reply)
        try:
            move(
                delivery, table=DELIVERY, to=to, by=BY, reason=changes.get("last_error", ""),
                only_from=["leased"], fence={"attempts": delivery.attempts}, **changes,
            )  # fmt: skip
        except IllegalTransition:
            _log.warning("webhooks: %s went on in other hands", delivery.reference)
            return
        if endpoint.url == delivery.endpoint.url:  # else it is the address before that answered
            _note(endpoint, reply, is_sent=is_sent)


def _keep(delivery: WebhookDelivery, reply: Reply, began: dt.datetime) -> None:
    DeliveryAttempt.objects.create(
        delivery=delivery,
        number=delivery.attempts,
        at=began,
        milliseconds=reply.milliseconds,
        status=reply.status,
        error=reply.error[:300],
        answer=reply.answer[: safe_http.ANSWER_KEPT],
    )


def _sent() -> tuple[str, dict[str, Any]]:
    return "sent", {"sent_at": clock.now(), "last_error": ""}


def _failed(delivery: WebhookDelivery, reply: Reply) -> tuple[str, dict[str, Any]]:
    why = reply.error or f"it answered {reply.status}"
    wait = schedule.pause(
        settings.WEBHOOK_SCHEDULE,
        tries=delivery.tries,
        asked=_asked(reply),
        most=settings.WEBHOOK_PAUSE_SECONDS_MAX,
    )
    if wait is None or reply.status == _GONE:
        return "dead", {"last_error": why[:300]}
    return "retrying", {"last_error": why[:300], "due_at": from_now(wait)}


def _asked(reply: Reply) -> float:
    return schedule.asked_for(reply.retry_after, now=clock.now())


def _note(endpoint: WebhookEndpoint, reply: Reply, *, is_sent: bool) -> None:
    """What this says of the endpoint: that it lives, fails, is busy, or is gone."""
    if is_sent:
        if endpoint.failing_since is not None:
            WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)
        return
    now = clock.now()
    since = endpoint.failing_since or now
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        failing_since=since, paused_until=_paused_until(endpoint, reply)
    )
    patience = dt.timedelta(seconds=settings.WEBHOOK_DISABLE_AFTER_SECONDS)
    if reply.status == _GONE:
        endpoints.disable_failing(endpoint, why="it answered 410 Gone")
    elif now - since >= patience:
        endpoints.disable_failing(
            endpoint, why=f"nothing was accepted since {since:%Y-%m-%d %H:%M} UTC"
        )


def _paused_until(endpoint: WebhookEndpoint, reply: Reply) -> dt.datetime | None:
    if reply.status not in _BUSY:
        return endpoint.paused_until
    seconds = min(_asked(reply), settings.WEBHOOK_PAUSE_SECONDS_MAX)
    until = from_now(max(seconds, settings.WEBHOOK_BUSY_SECONDS))
    # Two may be under way: the one that asks for less does not shorten what the other asked for.
    return max(until, endpoint.paused_until or until)
