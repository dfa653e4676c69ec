"""Measure the gap: one full outer join of orders and conversions on the order's number.

The financial side is SQL of a floor above, found by its name (`FINANCIAL_ORDERS`). A conversion
belongs to the day of its order; one without an order, to the day on which it was counted.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from attribution.figures import BASES, Figure

# How far from its order a conversion may be counted, and still find it.
_APART: Final = dt.timedelta(days=7)

_SQL: Final = """
WITH bought AS (
    SELECT orders.*, orders.{base} AS amount,
           (orders.placed_at AT TIME ZONE %(zone)s)::date AS day,
           seen.source, seen.source || ' / ' || seen.medium AS channel, seen.campaign,
           seen.consent, seen.client_id AS browser_id,
           sending.failed_at IS NOT NULL AS is_send_failed, sending.is_late
    FROM ({orders}) orders JOIN attribution_attribution seen ON seen.id = orders.attribution_id
    LEFT JOIN attribution_purchasesending sending
        ON sending.client_id = orders.client_id AND sending.number = orders.number
), told AS (
    SELECT DISTINCT ON (client_id, transaction_id)
           client_id, transaction_id, currency, source || ' / ' || medium AS channel, campaign,
           (occurred_at AT TIME ZONE %(zone)s)::date AS day, {value} AS amount,
           bool_or(is_test) OVER sales AS is_test,
           count(*) OVER sales - 1 AS repeats,
           sum({value}) OVER sales - {value} AS repeated
    FROM attribution_conversion
    WHERE occurred_at >= %(since)s AND occurred_at < %(until)s
    WINDOW sales AS (PARTITION BY client_id, transaction_id ORDER BY id
                     ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    ORDER BY client_id, transaction_id, id
), pairs AS (
    SELECT coalesce(bought.client_id, told.client_id) AS client_id,
           coalesce(bought.day, told.day) AS day,
           coalesce(bought.channel, told.channel) AS channel,
           coalesce(bought.campaign, told.campaign) AS campaign,
           coalesce(bought.payment_method, 'unknown') AS payment_method,
           coalesce(bought.currency, told.currency) AS currency,
           CASE WHEN bought.number IS NULL OR bought.is_test OR bought.amount IS NULL
                    THEN CASE WHEN told.transaction_id IS NOT NULL THEN 'extra' END
                WHEN told.transaction_id IS NULL THEN 'missing' ELSE 'matched' END AS outcome,
           CASE WHEN bought.is_test OR (bought.number IS NULL AND told.is_test)
                    THEN 'test_traffic'
                WHEN bought.number IS NULL THEN 'unknown'
                WHEN bought.amount IS NULL AND bought.is_given_back THEN 'refunded'
                WHEN bought.amount IS NULL THEN 'not_captured'
                WHEN told.transaction_id IS NULL AND bought.consent = 'denied'
                    THEN 'consent_denied'
                WHEN told.transaction_id IS NULL AND bought.browser_id = '' THEN 'no_client_id'
                WHEN told.transaction_id IS NULL AND bought.is_send_failed THEN 'send_failed'
                WHEN told.transaction_id IS NULL AND bought.is_late THEN 'sent_late'
                WHEN told.transaction_id IS NULL THEN 'unknown'
                WHEN told.currency <> bought.currency THEN 'value_differs'
                WHEN told.amount = bought.amount THEN ''
                WHEN told.amount = bought.total_amount AND bought.is_given_back THEN 'refunded'
                ELSE 'value_differs' END AS cause,
           coalesce(bought.source <> 'unknown', false)::int AS known,
           coalesce(bought.amount, 0) AS order_amount,
           CASE WHEN bought.number IS NULL OR told.currency = bought.currency
               THEN coalesce(told.amount, 0) ELSE 0 END AS analytics_amount,
           coalesce(told.repeats, 0) AS repeats, coalesce(told.repeated, 0) AS repeated
    FROM bought FULL OUTER JOIN told
        ON told.client_id = bought.client_id AND told.transaction_id = bought.number
), figures AS (
    SELECT client_id, day, channel, campaign, payment_method, currency, outcome, cause,
           1 AS count, known,
           CASE WHEN outcome = 'extra' THEN 0 ELSE order_amount END AS order_amount,
           analytics_amount
    FROM pairs WHERE outcome IS NOT NULL
    UNION ALL
    SELECT client_id, day, channel, campaign, payment_method, currency, 'duplicate', '',
           repeats, 0, 0, repeated
    FROM pairs WHERE repeats > 0
)
SELECT client_id, day, channel, campaign, payment_method, currency, outcome, cause,
       sum(count)::bigint, sum(known)::bigint, sum(order_amount)::bigint,
       sum(analytics_amount)::bigint
FROM figures
WHERE day >= %(first)s AND day <= %(last)s
    AND (%(client)s::uuid IS NULL OR client_id = %(client)s::uuid)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
"""
# A day of a million conversions is sorted in memory, and in the time of one statement.
_ROOM: Final = "SET LOCAL work_mem = '128MB'"
_VALUES: Final[Mapping[str, str]] = {
    "total": "amount",
    "net": "(amount + tax_amount + shipping_amount)",
}


def measure(
    first: dt.date, last: dt.date, *, base: str, client_id: uuid.UUID | None = None
) -> dict[uuid.UUID, list[Figure]]:
    """The figures of the days from `first` to `last`, by client; of one client if one is named.

    Days are those of `REPORT_TIME_ZONE`. Analytics' value is compared as a total; where it comes
    without tax and shipping (`CONVERSION_VALUE` is `net`), they are added first.
    """
    if base not in BASES:
        raise ValueError(f"no such base: {base}")
    since, until = bounds(first, last)
    sql = _SQL.format(
        base=base,
        orders=import_string(settings.FINANCIAL_ORDERS),
        value=_VALUES[settings.CONVERSION_VALUE],
    )
    known: dict[str, Any] = {
        "zone": settings.REPORT_TIME_ZONE, "first": first, "last": last, "client": client_id,
        "since": since - _APART, "until": until + _APART,
    }  # fmt: skip
    found: dict[uuid.UUID, list[Figure]] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ROOM)
        cursor.execute(sql, known)
        for client, *values in cursor.fetchall():
            found.setdefault(client, []).append(Figure(*values))
    return found


def bounds(first: dt.date, last: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """When the first day begins and the last one ends, where the days are counted."""
    zone = ZoneInfo(settings.REPORT_TIME_ZONE)
    after = last + dt.timedelta(days=1)
    return (
        dt.datetime.combine(first, dt.time(), zone),
        dt.datetime.combine(after, dt.time(), zone),
    )


def day_of(moment: dt.datetime) -> dt.date:
    """The day that a moment is in, where the days are counted."""
    return moment.astimezone(ZoneInfo(settings.REPORT_TIME_ZONE)).date()
