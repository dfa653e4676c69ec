"""The days that are over and not compared yet: found in the rows, so that none is missed."""

import datetime as dt
import logging
from typing import Final

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from foundation import clock
from foundation.errors import DomainError
from payments.processors.base import OutcomeUnknown, ProcessorUnavailable
from reconciliation import repair, runs
from reconciliation.collection import collect, collect_payouts
from reconciliation.days import day_of
from reconciliation.models import ReconciliationRun
from reconciliation.readers.base import MalformedReport

_log = logging.getLogger(__name__)
BY: Final = "system:reconciliation"
_CATCHES_UP: Final = 31  # days in one go
_TRIES_A_FAILED_DAY_AGAIN_AFTER: Final = dt.timedelta(hours=4)


def reconcile_due() -> int:
    """Compare every day that is due, of every account, the oldest first; returns how many.

    A day that fails holds up those after it: its lines may still come, and they count first. What
    one account trips over is logged, and the others are compared all the same.
    """
    done = 0
    for account in sorted(settings.RECONCILIATION_ACCOUNTS):
        try:
            done += _compare_due(account)
            repair.repair(account=account)
        except SoftTimeLimitExceeded:
            raise  # no time is left for the others
        except Exception:  # noqa: BLE001 - logged with its trace; the others go on
            _log.exception("reconciliation: %s was not compared", account)
    return done


def _compare_due(account: str) -> int:
    newest, done = _newest(account), 0
    for day in due_days(account):
        if _compare(account, day):
            done += 1
        elif newest is None or day > newest:
            break
    return done


def due_days(account: str) -> list[dt.date]:
    """From the day after the last that was completed to the last that is over; and before them
    those of the last month that somebody passed over by hand, which hold up nobody.

    Of an account that was never compared, only the last; none of either while it failed and rests.
    """
    last_over, newest = _last_over(account), _newest(account)
    first = newest + dt.timedelta(days=1) if newest else last_over
    count = min((last_over - first).days + 1, _CATCHES_UP)
    following = [first + dt.timedelta(days=number) for number in range(count)]
    if following and _failed_just_now(account, first):
        following = []
    return [*_passed_over(account, before=newest), *following]


def _passed_over(account: str, *, before: dt.date | None) -> list[dt.date]:
    if before is None:
        return []
    completed = ReconciliationRun.objects.filter(account=account, state="completed")
    known = set(completed.values_list("day", flat=True).distinct())
    first = max(min(known), before - dt.timedelta(days=_CATCHES_UP))
    days = (first + dt.timedelta(days=number) for number in range((before - first).days))
    return [day for day in days if day not in known and not _failed_just_now(account, day)]


def _newest(account: str) -> dt.date | None:
    completed = ReconciliationRun.objects.filter(account=account, state="completed")
    return completed.order_by("-day").values_list("day", flat=True).first()


def _failed_just_now(account: str, day: dt.date) -> bool:
    failed = ReconciliationRun.objects.filter(account=account, day=day, state="failed")
    last = failed.order_by("-version").first()
    return last is not None and _rests(last)


def _rests(failed: ReconciliationRun) -> bool:
    assert failed.finished_at is not None  # noqa: S101 - by the table's check
    return failed.finished_at > clock.now() - _TRIES_A_FAILED_DAY_AGAIN_AFTER


def _last_over(account: str) -> dt.date:
    lag = dt.timedelta(seconds=settings.RECONCILIATION_LAG_SECONDS)
    day = (clock.now() - lag).date() + dt.timedelta(days=1)
    while day_of(account, day)[1] > clock.now() - lag:
        day -= dt.timedelta(days=1)
    return day


def _collect(account: str, day: dt.date) -> None:
    """The processor's records of a day that no report covers yet; without them its run fails.

    And what went into the payouts of the day; without that only their amounts are compared.
    """
    window = day_of(account, day)
    try:
        if runs.told_until(account, window) < window[1]:
            collect(account=account, window=window, by=BY)
        if account in settings.PROCESSORS:
            collect_payouts(account=account, window=window, by=BY)
    except (DomainError, MalformedReport, ProcessorUnavailable, OutcomeUnknown) as silent:
        _log.warning("reconciliation: %s of %s was not collected: %s", day, account, silent)


def _compare(account: str, day: dt.date) -> bool:
    _collect(account, day)
    try:
        run = runs.reconcile(account=account, day=day, by=BY)
    except DomainError as refusal:
        _log.info("reconciliation: %s of %s is tried again: %s", day, account, refusal.detail)
        return False
    if run.state == "failed":
        _log.error("reconciliation: %s of %s failed: %s", day, account, run.error)
    return run.state == "completed"
