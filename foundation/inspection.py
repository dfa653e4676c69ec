"""Asking every rule, one after the other, and keeping what each last said."""

import datetime as dt
import logging
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError

from foundation import clock
from foundation.invariants import Findings, Invariant, every_rule
from foundation.models import InvariantResult

ROWS_KEPT: Final = 20
_log = logging.getLogger(__name__)


def inspect(*, everything: bool) -> list[InvariantResult]:
    """Ask the rules, the longest unasked first, for a bounded time; returns what they said.

    `everything`: all rows; else those of the last `INVARIANT_WINDOW_DAYS`. A rule that could
    not be asked (too slow, no connection) is kept as unreadable, never as green.
    """
    give_up_at = time.monotonic() + settings.SWEEP_BUDGET_SECONDS
    since = None if everything else _recently()
    results = []
    for rule in _longest_unasked_first(everything=everything):
        if time.monotonic() >= give_up_at:
            break
        results.append(_keep(rule, since))
    return results


def _recently() -> dt.datetime:
    return clock.now() - dt.timedelta(days=settings.INVARIANT_WINDOW_DAYS)


def _longest_unasked_first(*, everything: bool) -> Iterable[Invariant]:
    asked = dict(
        InvariantResult.objects.filter(everything=everything).values_list("name", "checked_at")
    )
    never = dt.datetime.min.replace(tzinfo=dt.UTC)
    return sorted(every_rule(), key=lambda rule: asked.get(rule.name, never))


def _keep(rule: Invariant, since: dt.datetime | None) -> InvariantResult:
    started = time.monotonic()
    try:
        findings, error = rule.violations(limit=ROWS_KEPT, since=since), ""
    except DatabaseError as unreadable:
        findings, error = Findings(0, ()), f"{type(unreadable).__name__}: {unreadable}"[:500]
    seconds = time.monotonic() - started
    if findings.count or error:
        _log.error("invariant %s: %d violations %s", rule.name, findings.count, error)
    return _store(rule, findings, everything=since is None, error=error, seconds=seconds)


def _store(
    rule: Invariant, findings: Findings, *, everything: bool, error: str, seconds: float
) -> InvariantResult:
    key: dict[str, Any] = {"name": rule.name, "everything": everything}
    before = InvariantResult.objects.filter(**key).first()
    is_red = bool(findings.count or error)
    values: dict[str, Any] = {
        "checked_at": clock.now(),
        "seconds": seconds,
        "violations": findings.count,
        "rows": [asdict(row) for row in findings.rows],
        "error": error,
        "red_since": ((before and before.red_since) or clock.now()) if is_red else None,
    }
    return InvariantResult.objects.update_or_create(**key, defaults=values)[0]
