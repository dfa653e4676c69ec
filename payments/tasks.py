"""One line each: call the verb."""

import uuid

from celery import shared_task
from django.conf import settings

from foundation.periodic import once_per_window, sweep
from payments import actions
from payments.services import catch_up, expire, resolve, work_event


@shared_task
def work_processor_event(event_id: str) -> None:
    """Follow what the processor told us of."""
    work_event.work(uuid.UUID(event_id))


@shared_task
@sweep
def work_processor_events() -> None:
    """Events that were parked, and those whose message or worker was lost."""
    work_event.work_due(limit=settings.SWEEP_BATCH)


@shared_task
@once_per_window("catch_up_processor_events", seconds=3600)
def catch_up_processor_events() -> None:
    """Events that the processor could not deliver."""
    catch_up.catch_up_all(seconds=settings.SWEEP_BUDGET_SECONDS)


@shared_task
@sweep
def resolve_unknown() -> None:
    """Settle captures, releases and refunds whose answer was lost."""
    resolve.resolve_unknown(limit=settings.SWEEP_BATCH)


@shared_task
@sweep
def recover_actions() -> None:
    """Finish what clients asked for and whose runner is gone."""
    actions.recover(limit=settings.SWEEP_BATCH)


@shared_task
@once_per_window("expire_authorizations", seconds=600)
def expire_authorizations() -> None:
    """Tell of holds that run out, and ask about those whose time is up."""
    expire.expire_authorizations(limit=settings.SWEEP_BATCH)
