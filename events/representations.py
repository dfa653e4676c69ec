"""What the API shows of the feed, of endpoints and of deliveries."""

from typing import Any, Final

from events import signatures
from events.message import message, rfc3339
from events.models import DeliveryAttempt, FeedEntry, WebhookDelivery, WebhookEndpoint
from events.states import OPEN

_TRIES_SHOWN: Final = 100  # whoever asks for one again and again may have thousands


def event(entry: FeedEntry) -> dict[str, Any]:
    """An event as webhooks tell it, with its id in front."""
    return {"id": entry.event.reference, **message(entry.event)}


def endpoint(row: WebhookEndpoint) -> dict[str, Any]:
    """An endpoint, without its secret."""
    return {
        "id": row.reference,
        "url": row.url,
        "description": row.description,
        "event_types": row.event_types,
        "all_clients": row.all_clients,
        "state": row.state,
        "disabled_reason": row.disabled_reason or None,
        "failing_since": rfc3339(row.failing_since) if row.failing_since else None,
        "previous_secret_until": rfc3339(row.previous_until) if row.previous_until else None,
        "created_at": rfc3339(row.created_at),
    }


def endpoint_with_secret(row: WebhookEndpoint) -> dict[str, Any]:
    """The same with the secret: the one time that it is shown."""
    return endpoint(row) | {"secret": signatures.shown(bytes(row.secret))}


def delivery(row: WebhookDelivery) -> dict[str, Any]:
    """A delivery, and how far it got."""
    return {
        "id": row.reference,
        "endpoint": row.endpoint.reference,
        "event": row.event.reference,
        "type": row.event.type,
        "state": row.state,
        "attempt_count": row.attempts,
        "next_attempt_at": rfc3339(row.due_at) if row.state in OPEN else None,
        "last_error": row.last_error or None,
        "created_at": rfc3339(row.created_at),
        "sent_at": rfc3339(row.sent_at) if row.sent_at else None,
    }


def delivery_with_attempts(row: WebhookDelivery) -> dict[str, Any]:
    """A delivery with each try at it, the first one first; of very many the last ones."""
    last = reversed(list(row.log.order_by("-id")[:_TRIES_SHOWN]))
    return delivery(row) | {"attempts": [_attempt(each) for each in last]}


def _attempt(row: DeliveryAttempt) -> dict[str, Any]:
    return {
        "number": row.number,
        "at": rfc3339(row.at),
        "milliseconds": row.milliseconds,
        "status": row.status,
        "error": row.error or None,
        "answer": row.answer,
    }
