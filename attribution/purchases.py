"""Tell analytics of purchases: planned from the orders as they stand, sent, given up in time.

The rows are the truth: what is not planned yet is found by looking, so no message can be lost.
A purchase goes out at least once, always under the order's number, which is how it is recognized.
"""

import datetime as dt
import logging
import time
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from attribution import analytics
from attribution.analytics.base import AnalyticsPort, Purchase, Refused, Unavailable
from attribution.models import PurchaseSending
from foundation import clock
from foundation.backoff import doubling
from foundation.money import Money
from foundation.transactions import refuse_inside_transaction

_log = logging.getLogger(__name__)
# What GA4 accepts: up to three days back; in the session, up to a day after it began.
GIVE_UP: Final = dt.timedelta(hours=72)
LATE: Final = dt.timedelta(hours=24)
_LEASE: Final = dt.timedelta(seconds=60)
_FIRST_SECONDS: Final = 30.0
_RETRY_SECONDS_MAX: Final = 3600.0
_ERROR_MAX: Final = 300

_PLAN: Final = """
    INSERT INTO attribution_purchasesending
        (id, client_id, number, amount, tax_amount, shipping_amount, currency, placed_at,
         browser_id, session_id, due_at, attempts, is_late, last_error)
    SELECT gen_random_uuid(), bought.client_id, bought.number, bought.placed, bought.tax_amount,
           bought.shipping_amount, bought.currency, bought.placed_at, seen.client_id,
           seen.session_id, %(until)s, 0, false, ''
    FROM ({orders}) bought JOIN attribution_attribution seen ON seen.id = bought.attribution_id
    WHERE bought.placed IS NOT NULL AND NOT bought.is_test
      AND seen.consent = 'granted' AND seen.client_id <> ''
      AND NOT EXISTS (SELECT 1 FROM attribution_purchasesending known
                      WHERE known.client_id = bought.client_id AND known.number = bought.number)
    ORDER BY bought.placed_at LIMIT %(limit)s
    ON CONFLICT DO NOTHING
"""
_CLAIM: Final = """
    UPDATE attribution_purchasesending SET leased_until = %(lease)s, attempts = attempts + 1
    WHERE id = (SELECT id FROM attribution_purchasesending
                WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= %(now)s
                  AND (leased_until IS NULL OR leased_until <= %(now)s)
                ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
"""


def tell(*, limit: int) -> int:
    """Plan and send what is due, up to `limit` of each; how many were sent. Off without a port."""
    port = analytics.port()
    if port is None:
        return 0
    plan(limit=limit)
    give_up_at, sent = time.monotonic() + settings.SWEEP_BUDGET_SECONDS, 0
    for _ in range(limit):
        row = _claim() if time.monotonic() < give_up_at else None
        if row is None:
            break
        try:
            sent += _send(port, row)
        except Exception:  # noqa: BLE001 - logged with its trace; its lease brings it back
            _log.exception("purchases: %s could not be told", row)
    return sent


def plan(*, limit: int) -> int:
    """A row for each order of the last days whose shopper agreed; how many were new."""
    now = clock.now()
    sql = _PLAN.format(orders=import_string(settings.FINANCIAL_ORDERS))
    with connection.cursor() as cursor:
        cursor.execute(sql, {"since": now - GIVE_UP, "until": now, "limit": limit})
        return int(cursor.rowcount)


def _claim() -> PurchaseSending | None:
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "lease": now + _LEASE})
        found = cursor.fetchone()
    return PurchaseSending.objects.get(pk=found[0]) if found else None


def _send(port: AnalyticsPort, row: PurchaseSending) -> bool:
    """Send one that is claimed, and write down what came of it, unless somebody took it over."""
    refuse_inside_transaction()
    came_of_it = _tell(port, row)
    mine = PurchaseSending.objects.filter(pk=row.pk, attempts=row.attempts, sent_at=None)
    return bool(mine.update(**came_of_it)) and "sent_at" in came_of_it


def _tell(port: AnalyticsPort, row: PurchaseSending) -> dict[str, Any]:
    """What the row says from now on."""
    if clock.now() - row.placed_at > GIVE_UP:
        return {"failed_at": clock.now(), "last_error": row.last_error or "too late"}
    try:
        port.send(_purchase(row))
    except Refused as refused:
        return {"failed_at": clock.now(), "last_error": str(refused)[:_ERROR_MAX]}
    except Unavailable as away:
        wait = doubling(_FIRST_SECONDS, times=row.attempts - 1, most=_RETRY_SECONDS_MAX)
        due = clock.now() + dt.timedelta(seconds=wait)
        return {"due_at": due, "leased_until": None, "last_error": str(away)[:_ERROR_MAX]}
    now = clock.now()
    return {"sent_at": now, "is_late": now - row.placed_at > LATE, "last_error": ""}


def _purchase(row: PurchaseSending) -> Purchase:
    return Purchase(
        number=row.number,
        total=Money(row.amount, row.currency),
        tax=Money(row.tax_amount, row.currency),
        shipping=Money(row.shipping_amount, row.currency),
        placed_at=row.placed_at,
        browser_id=row.browser_id,
        session_id=row.session_id,
    )
