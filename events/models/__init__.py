"""Rows of telling: what happened, who is told of it, and how far that got."""

from events.models.feed import FeedEntry
from events.models.outbox import EventStream, OutboxEvent
from events.models.webhooks import DeliveryAttempt, WebhookDelivery, WebhookEndpoint

__all__ = [
    "DeliveryAttempt",
    "EventStream",
    "FeedEntry",
    "OutboxEvent",
    "WebhookDelivery",
    "WebhookEndpoint",
]
