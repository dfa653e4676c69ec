"""How anything on its way to analytics goes out: claimed, sent outside of any transaction, and
what came of it written down, unless somebody took it over."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import Manager

from attribution.analytics.base import Refused, Unavailable
from attribution.models.sending import Sending
from foundation import clock
from foundation.backoff import doubling
from foundation.transactions import refuse_inside_transaction

_log = logging.getLogger(__name__)
# What GA4 accepts: up to three days back.
GIVE_UP: Final = dt.timedelta(hours=72)
_LEASE: Final = dt.timedelta(seconds=60)
_FIRST_SECONDS: Final = 30.0
_RETRY_SECONDS_MAX: Final = 3600.0
_ERROR_MAX: Final = 300
_CLAIM: Final = """
    UPDATE {table} SET leased_until = %(lease)s, attempts = attempts + 1
    WHERE id = (SELECT id FROM {table}
                WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= %(now)s
                  AND (leased_until IS NULL OR leased_until <= %(now)s)
                ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
"""
Row = TypeVar("Row", bound=Sending)


def send_due(
    rows: Manager[Row],
    tell: Callable[[Row], None],
    *,
    limit: int,
    told: Callable[[Row, dt.datetime], Mapping[str, Any]] = lambda *_: {},
) -> int:
    """Send what is due, the longest waiting first; how many were sent.

    `tell` raises `Refused` or `Unavailable`; `told` says what else a row says once it was sent.
    """
    give_up_at, sent = time.monotonic() + settings.SWEEP_BUDGET_SECONDS, 0
    for _ in range(limit):
        row = _claim(rows) if time.monotonic() < give_up_at else None
        if row is None:
            break
        try:
            came_of_it = _send(tell, row)
        except Exception:  # noqa: BLE001 - logged with its trace; its lease brings it back
            _log.exception("%s could not be told", row)
            continue
        if "sent_at" in came_of_it:
            came_of_it |= told(row, came_of_it["sent_at"])
        mine = rows.filter(pk=row.pk, attempts=row.attempts, sent_at=None)
        sent += bool(mine.update(**came_of_it)) and "sent_at" in came_of_it
    return sent


def _claim(rows: Manager[Row]) -> Row | None:
    now = clock.now()
    with connection.cursor() as cursor:
        table = rows.model._meta.db_table  # noqa: SLF001 - Django's public meta API
        claim = _CLAIM.format(table=table)
        cursor.execute(claim, {"now": now, "lease": now + _LEASE})
        found = cursor.fetchone()
    return rows.get(pk=found[0]) if found else None


def _send(tell: Callable[[Row], None], row: Row) -> dict[str, Any]:
    """What the row says from now on."""
    refuse_inside_transaction()
    if clock.now() - row.happened_at > GIVE_UP:
        return {"failed_at": clock.now(), "last_error": row.last_error or "too late"}
    try:
        tell(row)
    except Refused as refused:
        return {"failed_at": clock.now(), "last_error": str(refused)[:_ERROR_MAX]}
    except Unavailable as away:
        wait = doubling(_FIRST_SECONDS, times=row.attempts - 1, most=_RETRY_SECONDS_MAX)
        due = clock.now() + dt.timedelta(seconds=wait)
        return {"due_at": due, "leased_until": None, "last_error": str(away)[:_ERROR_MAX]}
    return {"sent_at": clock.now(), "last_error": ""}
