"""Both books' sums of every payment that a day touched, next to each other, by one statement.

    lines of the processor, newest telling of each ─┐
                                                    ├─ per payment → reconciliation_pair (temporary)
    successful transactions of ours ────────────────┘

A payment is known by the processor's id or, when we never learned that, by our reference that the
processor carries. In scope is what moved in either book since the day that was compared before,
what was told since then, and what that day left waiting or is broken. Of those, all that ever
happened counts, up to the day's end: so midnight splits nothing, and a capture in parts is summed
before it is compared.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

# Which column of a side a line adds to, and with which sign: a refund is a negative line.
# A partial capture is the whole charge, and a reversal of what was let go
# (https://docs.stripe.com/reports/reporting-categories).
_CAPTURED: Final = "('charge', 'partial_capture_reversal')"
_REFUNDED: Final = "('refund', 'refund_failure')"
_DISPUTED: Final = "('dispute', 'dispute_reversal')"

_SCOPE: Final = """
    CREATE TEMPORARY TABLE reconciliation_scope ON COMMIT DROP AS
    SELECT DISTINCT processor_reference AS key
    FROM reconciliation_settlementline
    WHERE account = %(account)s AND processor_reference <> ''
      AND (id > %(after_line)s OR occurred_at >= %(since)s) AND occurred_at < %(end)s
    UNION
    SELECT payment.processor_reference
    FROM payments_paymenttransaction step JOIN payments_payment payment
        ON payment.id = step.payment_id
    WHERE step.succeeded AND step.kind <> 'authorization' AND step.kind <> 'void'
      AND step.created_at >= %(since)s AND step.created_at < %(end)s
      AND payment.processor = %(account)s AND payment.processor_reference <> ''
    UNION
    SELECT processor_reference FROM reconciliation_waiting
    WHERE account = %(account)s AND day = %(waited)s::date
    UNION
    SELECT processor_reference FROM reconciliation_reconciliationbreak
    WHERE account = %(account)s AND state IN ('open', 'assigned', 'reopened')
      AND processor_reference <> ''
"""

_PAIRS: Final = f"""
    CREATE TEMPORARY TABLE reconciliation_pair ON COMMIT DROP AS
    WITH newest AS (
        SELECT DISTINCT ON (line.external_id) line.*
        FROM reconciliation_settlementline line
        JOIN reconciliation_scope scope ON scope.key = line.processor_reference
        WHERE line.account = %(account)s AND line.occurred_at < %(end)s
        ORDER BY line.external_id, line.id DESC
    ), theirs AS (
        SELECT processor_reference AS key,
            min(currency) AS currency,
            max(currency) AS other_currency,
            coalesce(sum(gross) FILTER (WHERE category IN {_CAPTURED}), 0) AS captured,
            coalesce(-sum(gross) FILTER (WHERE category IN {_REFUNDED}), 0) AS refunded,
            coalesce(-sum(gross) FILTER (WHERE category IN {_DISPUTED}), 0) AS disputed,
            coalesce(sum(fee), 0) AS fee,
            max(occurred_at) AS moved_at,
            (array_agg(payment_id) FILTER (WHERE payment_id IS NOT NULL))[1] AS named_id
        FROM newest GROUP BY processor_reference
    ), known AS (
        SELECT scope.key, coalesce(direct.id, named.id) AS payment_id,
            CASE WHEN direct.id IS NOT NULL THEN 'processor_id'
                 WHEN named.id IS NOT NULL THEN 'reference' END AS matched_by
        FROM reconciliation_scope scope
        LEFT JOIN theirs ON theirs.key = scope.key
        LEFT JOIN payments_payment direct
            ON direct.processor = %(account)s AND direct.processor_reference = scope.key
        LEFT JOIN payments_payment named
            ON named.id = theirs.named_id AND named.processor = %(account)s
            AND named.processor_reference = ''
    ), ours AS (
        SELECT known.key, min(step.currency) AS currency,
            coalesce(sum(step.amount) FILTER (WHERE step.kind = 'capture'), 0) AS captured,
            coalesce(sum(step.amount) FILTER (WHERE step.kind = 'refund'), 0)
              - coalesce(sum(step.amount) FILTER (WHERE step.kind = 'refund_failure'), 0)
              AS refunded,
            coalesce(sum(step.amount) FILTER (WHERE step.kind = 'chargeback'), 0)
              - coalesce(sum(step.amount) FILTER (WHERE step.kind = 'chargeback_reversal'), 0)
              AS disputed,
            coalesce(sum(step.amount) FILTER (WHERE step.kind = 'fee'), 0) AS fee,
            max(step.created_at) AS moved_at
        FROM known JOIN payments_paymenttransaction step ON step.payment_id = known.payment_id
        WHERE step.succeeded AND step.created_at < %(end)s
          AND step.kind NOT IN ('authorization', 'void')
        GROUP BY known.key
    )
    SELECT known.key, known.payment_id, known.matched_by,
        known.payment_id IS NOT NULL AS is_known,
        ours.moved_at IS NULL OR theirs.moved_at IS NULL
            OR (theirs.currency = ours.currency AND theirs.other_currency = ours.currency)
            AS is_comparable,
        coalesce(theirs.currency, ours.currency, '') AS currency,
        coalesce(ours.captured, 0)::bigint AS our_captured,
        coalesce(ours.refunded, 0)::bigint AS our_refunded,
        coalesce(ours.disputed, 0)::bigint AS our_disputed,
        coalesce(ours.fee, 0)::bigint AS our_fee,
        ours.moved_at AS our_moved_at,
        coalesce(theirs.captured, 0)::bigint AS their_captured,
        coalesce(theirs.refunded, 0)::bigint AS their_refunded,
        coalesce(theirs.disputed, 0)::bigint AS their_disputed,
        coalesce(theirs.fee, 0)::bigint AS their_fee,
        theirs.moved_at AS their_moved_at
    FROM known
    LEFT JOIN theirs ON theirs.key = known.key
    LEFT JOIN ours ON ours.key = known.key
"""  # noqa: S608 - constants of this file; values are parameters


@dataclass(frozen=True)
class Window:
    """A day of an account: [begin, end) as moments, and where the run before it came to.

    `since`: the end of the day that was compared before (`begin`, if there is none), so that a day
    that was passed over is looked at all the same. `waited`: that day. `after_line`: its last line.
    """

    account: str
    day: dt.date
    begin: dt.datetime
    end: dt.datetime
    since: dt.datetime
    waited: dt.date | None
    after_line: int

    def parameters(self) -> dict[str, Any]:
        """For the statements of this day."""
        return {
            "account": self.account,
            "day": self.day,
            "begin": self.begin,
            "end": self.end,
            "since": self.since,
            "waited": self.waited,
            "after_line": self.after_line,
        }


def pair(window: Window) -> int:
    """Make the temporary table `reconciliation_pair`; returns how many payments are in it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")  # a day's sums stay off the disk
        cursor.execute(_SCOPE, window.parameters())
        cursor.execute("ANALYZE reconciliation_scope")
        cursor.execute(_PAIRS, window.parameters())
        cursor.execute("ANALYZE reconciliation_pair")
        cursor.execute("SELECT count(*) FROM reconciliation_pair")
        (count,) = cursor.fetchone()
    return int(count)
