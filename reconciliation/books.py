"""The third leg: payments against the orders they were held for, and payouts against their lines.

What an order is, is known on the same floor, by another room: `RECONCILIATION_STORIES` names the
relation, one row for each checkout. Adds to `reconciliation_found`, like `verdicts.py`.

These rules look at our rows as they are now, so they are asked in the run of the newest day only.
"""

import datetime as dt
from typing import Final

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from reconciliation.fingerprints import short
from reconciliation.sides import Grace
from reconciliation.window import Window

_ADD: Final = """
    INSERT INTO reconciliation_found
    SELECT '{kind}', '{kind}:' || %(account)s || ':' || key, amount, currency, payment_id,
        order_number, coalesce(processor_reference, ''), ours, '{{}}'::jsonb, began_at, FALSE
    FROM ({rule}) broken
"""

_PAYMENT: Final = """
    payment.id::text AS key, payment.currency, payment.id AS payment_id, story.order_number,
    payment.processor_reference,
    jsonb_build_object('payment', payment.state, 'order', story.order_state,
        'checkout', story.checkout_state) AS ours
"""
_FROM: Final = """
    FROM payments_payment payment LEFT JOIN ({stories}) story ON story.stream = payment.stream
    WHERE payment.processor = %(account)s
"""
# Neither given back, nor on its way back, nor taken back.
_KEPT: Final = (
    "(payment.captured_amount - payment.refunded_amount - payment.refund_pending_amount"
    " - payment.charged_back_amount)"
)

# class → the payments of which it is true
_RULES: Final = {
    # A hold that no order wants and nobody is at work on keeps a shopper's money for a week: there
    # is no order, or it was canceled, or it went on with a newer hold (ids tell which is newer).
    "orphan_authorization": f"""
        SELECT {_PAYMENT}, payment.authorized_amount AS amount, payment.created_at AS began_at
        {_FROM} AND payment.state IN ('authorized', 'partially_captured')
            AND (story.order_number IS NULL OR story.order_state = 'canceled'
                OR payment.id < story.payment_id)
            AND story.is_live IS NOT TRUE
            AND payment.created_at < %(now)s - interval '60 minutes'
    """,
    "orphan_capture": f"""
        SELECT {_PAYMENT}, payment.created_at AS began_at,
            CASE WHEN story.order_number IS NULL THEN payment.captured_amount
                ELSE {_KEPT} END AS amount
        {_FROM} AND payment.captured_amount > payment.refunded_amount
            AND (story.order_number IS NULL OR story.order_state = 'canceled' AND {_KEPT} > 0)
            AND story.is_live IS NOT TRUE
    """,
    "order_without_payment": f"""
        SELECT {_PAYMENT}, story.total_amount AS amount, story.placed_at AS began_at
        {_FROM} AND payment.id = story.payment_id AND payment.authorized_amount = 0
            AND story.order_state NOT IN ('canceled', 'canceling')
    """,
    "expired_uncaptured_shipped": f"""
        SELECT {_PAYMENT}, story.total_amount AS amount, story.placed_at AS began_at
        {_FROM} AND payment.id = story.payment_id AND story.is_shipped
            AND payment.captured_amount = 0 AND payment.state IN ('expired', 'voided')
            AND story.total_amount > 0
    """,
    "unknown_stale": f"""
        SELECT {_PAYMENT}, payment.amount AS amount, payment.asked_at AS began_at
        {_FROM} AND payment.state IN ('authorizing', 'unknown', 'capturing', 'voiding')
            AND payment.asked_at < %(now)s - interval '1 day'
    """,
    "duplicate_charge": """
        SELECT charged.stream::text AS key, story.currency, story.payment_id, story.order_number,
            '' AS processor_reference, charged.ours, charged.kept - charged.largest AS amount,
            charged.began_at
        FROM (
            SELECT payment.stream, sum(kept.amount)::bigint AS kept, max(kept.amount) AS largest,
                max(payment.created_at) AS began_at,
                jsonb_agg(jsonb_build_object('payment', payment.id, 'kept', kept.amount)
                    ORDER BY payment.id) AS ours
            FROM payments_payment payment
            CROSS JOIN LATERAL (
                SELECT payment.captured_amount - payment.refunded_amount
                    - payment.refund_pending_amount - payment.charged_back_amount AS amount
            ) kept
            WHERE payment.processor = %(account)s AND kept.amount > 0
            GROUP BY payment.stream HAVING count(*) > 1
        ) charged JOIN ({stories}) story ON story.stream = charged.stream
        WHERE charged.kept > story.total_amount
    """,
}

# A payout is the sum of its lines, and of ours there is one of the same amount. A payout that was
# made by hand can not be itemised (https://docs.stripe.com/payouts/reconciliation): no lines but
# its own say so, and only the row is compared. One that was
# too young to be missed is looked at again by the next run.
_PAYOUTS: Final = f"""
    INSERT INTO reconciliation_found
    SELECT 'payout_unmatched',
        'payout_unmatched:' || %(account)s || ':' || {short("closing.payout_id")},
        greatest(abs(-closing.net - coalesce(inside.net, -closing.net)),
                 abs(-closing.net - coalesce(known.amount, 0)),
                 CASE WHEN known.currency <> closing.currency THEN abs(closing.net) END),
        closing.currency, NULL, NULL, '',
        jsonb_build_object('payout', known.amount, 'state', known.state),
        jsonb_build_object('payout', -closing.net, 'lines', inside.net, 'count', inside.count,
            'id', closing.payout_id),
        closing.occurred_at,
        known.id IS NULL AND closing.occurred_at > %(end)s - %(told)s::interval
    FROM (
        SELECT DISTINCT ON (external_id) * FROM reconciliation_settlementline
        WHERE account = %(account)s AND category = 'payout' AND payout_id <> ''
          AND occurred_at < %(end)s
          AND (occurred_at >= %(since)s - %(told)s::interval OR id > %(after_line)s
               OR payout_id IN (
              SELECT theirs ->> 'id' FROM reconciliation_reconciliationbreak
              WHERE account = %(account)s AND kind = 'payout_unmatched'
                AND state IN ('open', 'assigned', 'reopened')
          ))
        ORDER BY external_id, id DESC
    ) closing
    LEFT JOIN LATERAL (
        SELECT sum(net)::bigint AS net, count(*) AS count
        FROM (
            SELECT DISTINCT ON (external_id) net, category FROM reconciliation_settlementline
            WHERE account = %(account)s AND payout_id = closing.payout_id
            ORDER BY external_id, id DESC
        ) line
        WHERE category NOT IN ('payout', 'payout_reversal') HAVING count(*) > 0
    ) inside ON TRUE
    LEFT JOIN payments_payout known
        ON known.processor = %(account)s AND known.processor_reference = closing.payout_id
    WHERE -closing.net <> coalesce(inside.net, -closing.net)
       OR known.amount IS DISTINCT FROM -closing.net OR known.currency <> closing.currency
"""  # noqa: S608 - constants of this house; values are parameters


# One that we were told was paid, and that the processor's books, once they have begun, never show.
_PAYOUTS_OF_OURS: Final = f"""
    INSERT INTO reconciliation_found
    SELECT 'payout_unmatched',
        'payout_unmatched:' || %(account)s || ':' || {short("known.processor_reference")},
        abs(known.amount), known.currency, NULL, NULL, '',
        jsonb_build_object('payout', known.amount, 'state', known.state),
        jsonb_build_object('payout', NULL::bigint, 'id', known.processor_reference),
        known.created_at, known.created_at > %(end)s - %(settled)s::interval
    FROM payments_payout known
    WHERE known.processor = %(account)s AND known.state = 'paid' AND known.created_at < %(end)s
      AND known.created_at >= (
          SELECT min(begins_at) FROM reconciliation_settlementreport WHERE account = %(account)s)
      AND NOT EXISTS (
          SELECT FROM reconciliation_settlementline line
          WHERE line.account = %(account)s AND line.category = 'payout'
            AND line.payout_id = known.processor_reference AND line.occurred_at < %(end)s)
"""  # noqa: S608 - as above


OF_ORDERS: Final = tuple(kind for kind in _RULES if kind != "orphan_capture")
PAYOUTS: Final = "payout_unmatched"


def judge_orders(window: Window, *, now: dt.datetime) -> None:
    """Our payments against our orders, as they are now. In the run's transaction."""
    stories = import_string(settings.RECONCILIATION_STORIES)
    given = window.parameters() | {"now": now}
    with connection.cursor() as cursor:
        for kind, rule in _RULES.items():
            broken = rule.format(stories=stories)
            cursor.execute(_ADD.format(kind=kind, rule=broken), given)


def judge_payouts(window: Window, *, grace: Grace) -> None:
    """The payouts of the day against their lines and our rows. In the run's transaction."""
    given = window.parameters() | {"told": grace.told, "settled": grace.settled}
    with connection.cursor() as cursor:
        cursor.execute(_PAYOUTS, given)
        cursor.execute(_PAYOUTS_OF_OURS, given)
