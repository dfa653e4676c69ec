"""One line each: call the verb."""

import datetime as dt

from celery import shared_task
from django.conf import settings

from attribution import actions, retention, telling
from attribution.gap import nightly
from foundation.periodic import for_each_window, once_per_window, sweep

DAY = 86_400


@shared_task
@sweep
def recover_actions() -> None:
    """Finish what clients told and whose runner is gone."""
    actions.recover(limit=settings.SWEEP_BATCH)


@shared_task
@sweep
def tell_purchases() -> None:
    """Tell analytics of the orders, and then the refunds, that it was not told of yet."""
    telling.tell(limit=settings.SWEEP_BATCH)


@shared_task
@once_per_window("forget_touchpoints", seconds=DAY)
def forget_touchpoints() -> None:
    """Delete touchpoints that are too old to explain an order."""
    retention.forget_old(limit=settings.REAP_BATCH)


@shared_task
@for_each_window("measure_attribution_gap", seconds=DAY, most=7)
def measure_gap(window: dt.datetime) -> None:
    """Measure the days that have ended, freeze what is old enough, tell of what is not usual."""
    nightly.measure(window)
