"""What the start page tells of the outbox."""

from django.urls import reverse

from events.models import OutboxEvent
from foundation.sections import Waiting


def waiting() -> list[Waiting]:
    """Events that could not be told; one statement, on an index of its own."""
    count = OutboxEvent.objects.filter(state=OutboxEvent.State.DEAD).count()
    address = f"{reverse('admin:events_outboxevent_changelist')}?state=dead"
    return [Waiting("events given up", count, address, "events.view_outboxevent", "bad")]
