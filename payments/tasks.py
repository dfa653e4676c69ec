"""One line each: call the verb."""

import uuid

from celery import shared_task
from django.conf import settings

from payments.services import capture, resolve


@shared_task
def capture_payment(payment_id: str) -> None:
    """Take what is held."""
    capture.capture(uuid.UUID(payment_id), by="system:settlement")


@shared_task
def resolve_unknown() -> None:
    """Settle captures and releases whose answer was lost."""
    resolve.resolve_unknown(limit=settings.SWEEP_BATCH)
