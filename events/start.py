"""What the start page tells of the outbox."""

from django.urls import reverse

from events.models import OutboxEvent, WebhookDelivery
from foundation.desk.sections import Waiting

_LISTS = ("outboxevent", "webhookdelivery")


def waiting() -> list[Waiting]:
    """What could not be told, inside and outside; two statements, each on an index of its own."""
    events = OutboxEvent.objects.filter(state=OutboxEvent.State.DEAD).count()
    deliveries = WebhookDelivery.objects.filter(state="dead").count()
    lists = {name: reverse(f"admin:events_{name}_changelist") for name in _LISTS}
    return [
        Waiting(
            "events given up", events, f"{lists['outboxevent']}?state=dead",
            "events.view_outboxevent", "bad",
        ),
        Waiting(
            "webhooks given up", deliveries, f"{lists['webhookdelivery']}?state=dead",
            "events.view_webhookdelivery", "bad",
        ),
    ]  # fmt: skip
