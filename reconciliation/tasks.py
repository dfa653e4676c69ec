"""One line each: call the verb."""

import uuid

from celery import shared_task
from django.conf import settings

from foundation import actions
from foundation.periodic import once_per_window, sweep
from reconciliation import rounds, runs
from reconciliation.actions import ACTIONS
from reconciliation.models import ReconciliationRun

# A day may have a million lines: twenty minutes, and one more before it is killed.


@shared_task(soft_time_limit=1200, time_limit=1260)
def perform_run(run_id: str) -> None:
    """Compare what somebody asked for."""
    runs.perform(ReconciliationRun.objects.get(pk=uuid.UUID(run_id)))


@shared_task(soft_time_limit=1200, time_limit=1260)
@once_per_window("reconcile_days", seconds=3600)
def reconcile_days() -> None:
    """Every day that is over and was not compared yet; then what has crossed its limit."""
    rounds.go()


@shared_task
@sweep
def recover_actions() -> None:
    """Finish requests with a key whose runner is gone."""
    actions.recover(ACTIONS, limit=settings.SWEEP_BATCH)
