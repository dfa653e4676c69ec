"""One line each: call the verb."""

from celery import shared_task
from django.conf import settings

from events import forgetting, webhook_delivery
from foundation.periodic import once_per_window, sweep

DAY = 86_400


@shared_task
@sweep
def deliver_webhooks() -> None:
    """What the deliverer should have told: should it be away, events are told more slowly."""
    webhook_delivery.deliver_late(
        limit=settings.SWEEP_BATCH,
        seconds=settings.SWEEP_BUDGET_SECONDS,
        late_by=settings.WEBHOOK_LATE_SECONDS,
    )


@shared_task
@once_per_window("forget_deliveries", seconds=DAY)
def forget_deliveries() -> None:
    """Delete deliveries that ended long ago."""
    forgetting.forget(older_than=settings.WEBHOOK_KEEP, limit=settings.REAP_BATCH)
