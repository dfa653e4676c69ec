"""What follows from an event of reconciliation."""

from collections.abc import Mapping
from typing import Any

from celery.canvas import Signature

from reconciliation import tasks


def after_run_requested(fact: Mapping[str, Any]) -> Signature[Any]:
    """A worker compares the day."""
    return tasks.perform_run.si(fact["run_id"])
