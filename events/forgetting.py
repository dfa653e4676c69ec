"""Deliveries are kept for as long as somebody may ask about them, then deleted, batch by batch."""

import datetime as dt
from typing import Final

from django.db.models import Q

from events.models import WebhookDelivery, WebhookEndpoint
from foundation import clock

_BATCHES_MAX: Final = 1_000


def forget(*, older_than: dt.timedelta, limit: int) -> int:
    """Delete ended deliveries past their time, and those of endpoints that were removed.

    Open ones of a living endpoint never. Events stay: the feed is not shortened by this.
    """
    before = clock.now() - older_than
    ended = Q(state__in=["sent", "dead"], created_at__lt=before)
    removed = Q(endpoint__state="deleted", due_at__lt=clock.now())
    deleted = 0
    for _ in range(_BATCHES_MAX):
        batch = list(
            WebhookDelivery.objects.filter(ended | removed).values_list("pk", flat=True)[:limit]
        )
        WebhookDelivery.objects.filter(pk__in=batch).delete()
        deleted += len(batch)
        if len(batch) < limit:
            break
    WebhookEndpoint.objects.filter(state="deleted", deliveries=None).delete()
    return deleted
