"""Tell analytics of purchases: planned from the orders as they stand, sent, given up in time.

The rows are the truth: what is not planned yet is found by looking, so no message can be lost.
A purchase goes out at least once, always under the order's number, which is how it is recognized.
"""

import datetime as dt
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from attribution import analytics
from attribution.analytics.base import Purchase
from attribution.models import PurchaseSending
from attribution.sending import GIVE_UP, send_due
from foundation import clock
from foundation.money import Money

# In the session of its shopper, GA4 takes it up to a day after that began.
LATE: Final = dt.timedelta(hours=24)

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


def tell(*, limit: int) -> int:
    """Plan and send what is due, up to `limit` of each; how many were sent. Off without a port."""
    port = analytics.port()
    if port is None:
        return 0
    plan(limit=limit)
    return send_due(
        PurchaseSending.objects, lambda row: port.send(_purchase(row)), limit=limit, told=_is_late
    )


def plan(*, limit: int) -> int:
    """A row for each order of the last days whose shopper agreed; how many were new."""
    now = clock.now()
    sql = _PLAN.format(orders=import_string(settings.FINANCIAL_ORDERS))
    with connection.cursor() as cursor:
        cursor.execute(sql, {"since": now - GIVE_UP, "until": now, "limit": limit})
        return int(cursor.rowcount)


def _is_late(row: PurchaseSending, sent_at: dt.datetime) -> dict[str, Any]:
    return {"is_late": sent_at - row.placed_at > LATE}


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
