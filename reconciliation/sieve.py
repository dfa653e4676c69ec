"""Which payments have to be looked at closely: one pass over what moved, and few rows come out.

    lines of the processor, told since ─┐
    our steps, taken since              ├─ per payment: their sums less ours → even: counted
    what is never taken for even ───────┘                                    → else: scope

A difference that no run had found can only come from what moved since the run before: had the two
books differed then, the payment waits, has a break or is remembered, and such a one is looked at
closely whatever moved. So the sums of what moved are enough to say that a payment is even, however
old it is. An account's first run has none before it, and sums all steps that we ever took.

What comes out is judged by `pairing.py` and `verdicts.py`, exactly and from all rows. The sieve may
let too much through, never too little: property tests hold it against the pure matcher.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import connection

from reconciliation.window import Window

# Which column of a side a line adds to, and with which sign: a refund is a negative line.
# A partial capture is the whole charge, and a reversal of what was let go
# (https://docs.stripe.com/reports/reporting-categories).
CAPTURED: Final = "('charge', 'partial_capture_reversal')"
REFUNDED: Final = "('refund', 'refund_failure')"
DISPUTED: Final = "('dispute', 'dispute_reversal')"

# What is known of a payment, as bits: one aggregate for all, without memory of its own.
_MOVED: Final = 1  # in scope: it moved, or something was told of it
_ASKED: Final = 2  # in scope: it waits, or has a break that nobody settled
_TOLD: Final = 4  # a line was told of it
_CLOSE: Final = 8  # the sums of what moved do not say it all

_WHOSE: Final = """
    payment.id AS payment_id,
    CASE WHEN payment.id IS NULL THEN told.processor_reference END AS stray
"""
_PAYMENT: Final = """
    LEFT JOIN payments_payment payment ON payment.processor = %(account)s
        AND payment.processor_reference = told.processor_reference
        AND payment.processor_reference <> ''
"""
_NEW: Final = """
    told.account = %(account)s AND told.occurred_at < %(end)s
    AND (told.id > %(after_line)s OR told.occurred_at >= %(since)s)
"""
_SAYS: Final = "({0}.processor_reference, {0}.category, {0}.currency, {0}.occurred_at)"
_SAME: Final = f"{_SAYS.format('earlier')} = {_SAYS.format('told')}"
_RETELLINGS: Final = """
    reconciliation_retelling retelling
    JOIN reconciliation_settlementline told ON told.id = retelling.line_id
    JOIN reconciliation_settlementline earlier ON earlier.id = retelling.earlier_id
"""

_THEIRS: Final = f"""
    SELECT {_WHOSE}, told.currency,
        CASE WHEN told.category IN {CAPTURED} THEN told.gross ELSE 0 END AS captured,
        CASE WHEN told.category IN {REFUNDED} THEN told.gross ELSE 0 END AS refunded,
        CASE WHEN told.category IN {DISPUTED} THEN told.gross ELSE 0 END AS disputed,
        told.fee,
        CASE WHEN told.category IN {CAPTURED} THEN told.gross ELSE 0 END AS volume,
        {_MOVED | _TOLD}
            + CASE WHEN told.currency = payment.currency THEN 0 ELSE {_CLOSE} END AS facts
    FROM reconciliation_settlementline told {_PAYMENT}
    WHERE told.processor_reference <> '' AND {_NEW}
"""  # noqa: S608 - constants of this file; values are parameters
# A line that is told again counts instead of its last telling.
_RETOLD: Final = f"""
    SELECT {_WHOSE}, told.currency,
        CASE WHEN told.category IN {CAPTURED} THEN -told.gross ELSE 0 END,
        CASE WHEN told.category IN {REFUNDED} THEN -told.gross ELSE 0 END,
        CASE WHEN told.category IN {DISPUTED} THEN -told.gross ELSE 0 END,
        -told.fee,
        CASE WHEN told.category IN {CAPTURED} THEN -told.gross ELSE 0 END,
        0
    FROM (SELECT earlier.* FROM {_RETELLINGS} WHERE {_SAME} AND {_NEW}) told {_PAYMENT}
    WHERE told.processor_reference <> ''
"""  # noqa: S608 - as above
_OURS: Final = f"""
    SELECT step.payment_id, NULL, step.currency,
        CASE step.kind WHEN 'capture' THEN -step.amount ELSE 0 END,
        CASE step.kind WHEN 'refund' THEN step.amount
            WHEN 'refund_failure' THEN -step.amount ELSE 0 END,
        CASE step.kind WHEN 'chargeback' THEN step.amount
            WHEN 'chargeback_reversal' THEN -step.amount ELSE 0 END,
        CASE step.kind WHEN 'fee' THEN -step.amount ELSE 0 END,
        0, CASE WHEN step.created_at >= %(since)s THEN {_MOVED} ELSE 0 END
    FROM payments_paymenttransaction step
    WHERE step.succeeded AND step.kind NOT IN ('authorization', 'void')
      AND step.created_at >= %(steps_since)s AND step.created_at < %(end)s
"""  # noqa: S608 - as above
# Of one account among several; of the only one, all are.
_OF_ACCOUNT: Final = """
      AND step.payment_id IN (SELECT id FROM payments_payment WHERE processor = %(account)s)
"""
# What a person said belongs together, one row for each side; a payment also under its own id.
# What was taken back has no key.
_MEMBERS: Final = """
    SELECT CASE WHEN undone.match_id IS NULL THEN match.key END AS key, member.payment_id,
        coalesce(payment.processor_reference, member.processor_reference) AS processor_reference
    FROM reconciliation_match match
    JOIN reconciliation_matchmember member ON member.match_id = match.id
    LEFT JOIN payments_payment payment ON payment.id = member.payment_id
    LEFT JOIN reconciliation_unmatch undone ON undone.match_id = match.id
    WHERE match.account = %(account)s
"""
_KEEP_MEMBERS: Final = f"""
    CREATE TEMPORARY TABLE reconciliation_member ON COMMIT DROP AS {_MEMBERS}
"""
# Never taken for even: what differed at any time, was told again as something else, or was matched
# by a person: that is looked at by every run.
_LOOKED_AT: Final = f"""
    SELECT {_WHOSE}, NULL, 0, 0, 0, 0, 0, told.facts
    FROM (
        SELECT processor_reference, {_ASKED | _CLOSE} AS facts FROM reconciliation_waiting
        WHERE account = %(account)s AND day = %(waited)s::date
        UNION ALL
        SELECT processor_reference, {_CLOSE} + CASE
            WHEN state IN ('open', 'assigned', 'reopened') THEN {_ASKED} ELSE 0 END
        FROM reconciliation_reconciliationbreak WHERE account = %(account)s
        UNION ALL
        SELECT processor_reference, {_ASKED | _CLOSE} FROM ({_MEMBERS}) member
        UNION ALL
        SELECT processor_reference, {_CLOSE} FROM reconciliation_uncompared
        WHERE account = %(account)s
        UNION ALL
        SELECT side.processor_reference, {_CLOSE}
        FROM {_RETELLINGS}
        CROSS JOIN LATERAL (
            VALUES (told.processor_reference), (earlier.processor_reference)
        ) side (processor_reference)
        WHERE NOT {_SAME} AND {_NEW}
    ) told {_PAYMENT}
    WHERE told.processor_reference <> ''
"""  # noqa: S608 - as above

# Even ones fall into one row for each currency, so this table is as long as the others are many.
_SIFT: Final = f"""
    CREATE TEMPORARY TABLE reconciliation_sifted ON COMMIT DROP AS
    SELECT payment_id, stray, currency, is_asked, count(*) AS payments,
        sum(volume)::bigint AS volume
    FROM (
        SELECT is_asked, CASE WHEN NOT is_even THEN payment_id END AS payment_id,
            CASE WHEN NOT is_even THEN stray END AS stray, currency, volume
        FROM (
            SELECT payment_id, stray, min(currency) AS currency,
                reconciliation_total(volume) AS volume,
                bit_or(facts) & {_MOVED | _ASKED} <> 0 AS is_asked,
                coalesce(bit_or(facts) & {_TOLD | _CLOSE} = {_TOLD}
                    AND min(currency) = max(currency)
                    AND reconciliation_total(captured) = 0
                    AND reconciliation_total(refunded) = 0
                    AND reconciliation_total(disputed) = 0
                    AND reconciliation_total(fee) = 0, FALSE) AS is_even
            FROM ({_THEIRS} UNION ALL {_RETOLD} UNION ALL {_OURS} {{of_account}}
                  UNION ALL {_LOOKED_AT}) moved
            GROUP BY payment_id, stray HAVING {{is_first}} OR bit_or(facts) & {_MOVED | _ASKED} <> 0
        ) summed
    ) sifted
    GROUP BY payment_id, stray, currency, is_asked
"""  # noqa: S608 - as above
_SCOPE: Final = """
    CREATE TEMPORARY TABLE reconciliation_scope ON COMMIT DROP AS
    SELECT DISTINCT coalesce(member.key, known.key) AS key
    FROM (
        SELECT coalesce(payment.processor_reference, sifted.stray) AS key
        FROM reconciliation_sifted sifted LEFT JOIN payments_payment payment
            ON payment.id = sifted.payment_id AND payment.processor = %(account)s
        WHERE sifted.is_asked AND coalesce(payment.processor_reference, sifted.stray, '') <> ''
    ) known LEFT JOIN reconciliation_member member ON member.processor_reference = known.key
        AND member.key IS NOT NULL
"""


# What is not even, and nothing else remembers: it moved before the first run, or is of nobody.
_REMEMBER: Final = """
    INSERT INTO reconciliation_uncompared (account, processor_reference)
    SELECT %(account)s, payment.processor_reference
    FROM reconciliation_sifted sifted JOIN payments_payment payment
        ON payment.id = sifted.payment_id AND payment.processor = %(account)s
    WHERE NOT sifted.is_asked AND payment.processor_reference <> ''
    UNION
    SELECT %(account)s, key FROM reconciliation_pair WHERE NOT is_known
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Sifted:
    """How many payments are even, and what was taken by the lines that are new, by currency."""

    even: int
    volume: dict[str, int]


def sift(window: Window) -> Sifted:
    """Make the temporary table `reconciliation_scope` of those that are not even."""
    is_first = window.after_line == 0
    given: dict[str, Any] = window.parameters() | {
        "steps_since": "-infinity" if is_first else window.since,
    }
    of_account = _OF_ACCOUNT if len(settings.RECONCILIATION_ACCOUNTS) > 1 else ""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")  # a day's sums stay off the disk
        cursor.execute("SET LOCAL jit = off")  # compiling takes longer than it saves
        # Rows come out of the workers as they are, to be summed: the planner finds that too dear.
        cursor.execute("SET LOCAL parallel_tuple_cost = 0.001")
        cursor.execute(_KEEP_MEMBERS, given)
        cursor.execute(_SIFT.format(of_account=of_account, is_first=is_first), given)
        cursor.execute(_SCOPE, given)
        cursor.execute("ANALYZE reconciliation_scope")
        cursor.execute(
            "SELECT coalesce(sum(payments), 0)::bigint FROM reconciliation_sifted"
            " WHERE payment_id IS NULL AND stray IS NULL AND is_asked"
        )
        (even,) = cursor.fetchone()
        cursor.execute(
            "SELECT currency, sum(volume)::bigint FROM reconciliation_sifted"
            " WHERE volume <> 0 GROUP BY currency ORDER BY currency"
        )
        volume = dict(cursor.fetchall())
    return Sifted(int(even), volume)


def remember(window: Window) -> None:
    """Keep what the next runs can not know from breaks: see `Uncompared`. After the pairs."""
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER, window.parameters())
