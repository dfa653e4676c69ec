"""Deliveries are kept for as long as somebody may ask about them, then deleted, batch by batch."""

import datetime as dt
from typing import Final

from django.db.models import Q

from events.models import WebhookDelivery, WebhookEndpoint
from foundation import clock
from foundation.transactions import durable

_BATCHES_MAX: Final = 1_000


def forget(*, older_than: dt.timedelta, limit: int) -> int:
    """Delete deliveries that ended so long ago, and those of endpoints that were removed.

    Open ones of a living endpoint never. Events stay: the feed is not shortened by this.
    """
    deleted = 0
    for _ in range(_BATCHES_MAX):
        count = _forget_some(ended_before=clock.now() - older_than, limit=limit)
        deleted += count
        if count < limit:
            break
    WebhookEndpoint.objects.filter(state="deleted", deliveries=None).delete()
    return deleted


def _forget_some(*, ended_before: dt.datetime, limit: int) -> int:
    """Under their locks: what is asked for again meanwhile would be deleted unsent."""
    # Once it ended, the end of its last lease is when: it may have been made long before.
    ended = Q(state__in=["sent", "dead"], due_at__lt=ended_before)
    removed = Q(endpoint__state="deleted", due_at__lt=clock.now())
    with durable():
        rows = WebhookDelivery.objects.select_for_update(
            skip_locked=True, no_key=True, of=("self",)
        )
        batch = list(rows.filter(ended | removed).values_list("pk", flat=True)[:limit])
        WebhookDelivery.objects.filter(pk__in=batch).delete()
    return len(batch)
