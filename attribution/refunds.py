"""Tell analytics of refunds, whole or in part, of the purchases that it was told of.

So whoever refused is in none of this, and no revenue is taken back that was never added. A refund
whose purchase is still on its way waits for it. What fails at the bank weeks later stays told: GA4
knows no way to take a refund back.
"""

from typing import Final

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from attribution import analytics
from attribution.analytics.base import Refund
from attribution.models import RefundSending
from attribution.sending import GIVE_UP, send_due
from foundation import clock
from foundation.money import Money

_PLAN: Final = """
    INSERT INTO attribution_refundsending
        (id, client_id, refund_id, number, amount, currency, given_at, browser_id, due_at,
         attempts, last_error)
    SELECT gen_random_uuid(), given.client_id, given.refund_id, given.number, given.amount,
           given.currency, given.given_at, told.browser_id, %(until)s, 0, ''
    FROM ({refunds}) given JOIN attribution_purchasesending told
        ON told.client_id = given.client_id AND told.number = given.number
    WHERE told.sent_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM attribution_refundsending known
                      WHERE known.refund_id = given.refund_id)
    ORDER BY given.given_at LIMIT %(limit)s
    ON CONFLICT DO NOTHING
"""


def tell(*, limit: int) -> int:
    """Plan and send what is due, up to `limit` of each; how many were sent. Off without a port."""
    port = analytics.port()
    if port is None:
        return 0
    plan(limit=limit)
    return send_due(RefundSending.objects, lambda row: port.send_refund(_refund(row)), limit=limit)


def plan(*, limit: int) -> int:
    """A row for each refund of the last days of a purchase that was told; how many were new."""
    now = clock.now()
    sql = _PLAN.format(refunds=import_string(settings.FINANCIAL_REFUNDS))
    with connection.cursor() as cursor:
        cursor.execute(sql, {"since": now - GIVE_UP, "until": now, "limit": limit})
        return int(cursor.rowcount)


def _refund(row: RefundSending) -> Refund:
    return Refund(
        reference=row.reference,
        number=row.number,
        amount=Money(row.amount, row.currency),
        given_at=row.given_at,
        browser_id=row.browser_id,
    )
