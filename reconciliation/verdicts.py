"""Where the pairs differ: the rules of `sides.py` once more, as one statement for all of them.

Leaves `reconciliation_found` (temporary): a row for each difference, waiting or broken.
"""

from dataclasses import dataclass
from typing import Final

from django.db import connection

from reconciliation.fingerprints import short
from reconciliation.sides import Grace
from reconciliation.window import Window

_KNOWN: Final = "is_known AND is_comparable"
_AT_RISK: Final = "greatest(abs(their_captured), abs(their_refunded), abs(their_disputed))"


@dataclass(frozen=True)
class Rule:
    """One class of difference: when it is one, what is at risk, and whose delay is borne."""

    kind: str
    when: str
    amount: str
    grace: str = "told"


RULES: Final = (
    Rule("orphan_capture", f"NOT is_known AND {_AT_RISK} <> 0", _AT_RISK),
    Rule("currency_mismatch", "is_known AND NOT is_comparable", _AT_RISK),
    Rule(
        "missing_at_processor",
        f"{_KNOWN} AND our_captured <> 0 AND their_captured = 0",
        "abs(our_captured)",
        grace="settled",
    ),
    Rule(
        "status_mismatch",
        f"{_KNOWN} AND our_captured = 0 AND their_captured <> 0",
        "abs(their_captured)",
    ),
    Rule(
        "amount_mismatch",
        f"{_KNOWN} AND our_captured <> 0 AND their_captured <> 0"
        " AND our_captured <> their_captured",
        "abs(our_captured - their_captured)",
        grace="settled",
    ),
    Rule(
        "fee_mismatch",
        f"{_KNOWN} AND our_captured = their_captured AND our_fee <> their_fee",
        "abs(our_fee - their_fee)",
        grace="settled",
    ),
    Rule(
        "refund_missing_local",
        f"{_KNOWN} AND their_refunded > our_refunded",
        "their_refunded - our_refunded",
    ),
    Rule(
        "refund_missing_remote",
        f"{_KNOWN} AND our_refunded > their_refunded",
        "our_refunded - their_refunded",
        grace="settled",
    ),
    Rule(
        "dispute_unrecorded",
        f"{_KNOWN} AND our_disputed <> their_disputed",
        "abs(our_disputed - their_disputed)",
    ),
)

LATE: Final = "late_event"

_MAKE: Final = """
    CREATE TEMPORARY TABLE reconciliation_found (
        kind varchar(32), fingerprint varchar(255), amount bigint, currency varchar(3),
        payment_id uuid, order_number bigint, processor_reference varchar(255),
        ours jsonb, theirs jsonb, began_at timestamptz, is_waiting boolean
    ) ON COMMIT DROP
"""

_JUDGE: Final = """
    SELECT '{kind}' AS kind, {amount} AS at_risk, %(at)s - %({grace})s::interval AS borne_until,
        pair.*
    FROM reconciliation_pair pair WHERE {when}
"""

_FIND: Final = """
    INSERT INTO reconciliation_found
    SELECT kind, kind || ':' || %(account)s || ':' || {short_key}, at_risk, currency, payment_id,
        NULL, key,
        jsonb_build_object('captured', our_captured, 'refunded', our_refunded,
            'disputed', our_disputed, 'fee', our_fee, 'moved_at', our_moved_at),
        jsonb_build_object('captured', their_captured, 'refunded', their_refunded,
            'disputed', their_disputed, 'fee', their_fee, 'moved_at', their_moved_at,
            'matched_by', matched_by),
        moved_at, moved_at > borne_until
    FROM (
        SELECT judged.*, greatest(our_moved_at, their_moved_at) AS moved_at
        FROM ({judged}) judged
    ) dated
"""

# What no id connects may be the same all the same: suggested to a person, and never more. One
# candidate is a good guess; with n of them each is as likely.
_GUESS: Final = """
    UPDATE reconciliation_found orphan
    SET theirs = orphan.theirs || jsonb_build_object('may_be', guess.payments,
        'confidence', round(1.0 / jsonb_array_length(guess.payments), 2))
    FROM (
        SELECT lost.key, jsonb_agg(DISTINCT ours.payment_id) AS payments
        FROM reconciliation_pair lost JOIN reconciliation_pair ours
            ON ours.our_captured = lost.their_captured AND ours.currency = lost.currency
            AND ours.their_captured = 0 AND ours.is_known
            AND ours.our_moved_at BETWEEN lost.their_moved_at - %(settled)s::interval
                AND lost.their_moved_at + %(settled)s::interval
        WHERE NOT lost.is_known AND lost.their_captured > 0 GROUP BY lost.key
    ) guess
    WHERE orphan.kind = 'orphan_capture' AND orphan.processor_reference = guess.key
"""

# A day was closed, and then more was told of it; more of its money, not in which payout it went.
_LATE: Final = """
    INSERT INTO reconciliation_found
    SELECT 'late_event', 'late_event:' || %(account)s || ':' || line.id, abs(line.gross),
        line.currency, line.payment_id, NULL, line.processor_reference, '{}'::jsonb,
        jsonb_build_object('line', line.external_id, 'category', line.category,
            'gross', line.gross, 'happened', line.occurred_at),
        line.occurred_at, FALSE
    FROM reconciliation_settlementline line
    WHERE line.account = %(account)s AND line.id > %(after_line)s AND %(after_line)s > 0
      AND line.occurred_at < %(since)s
      AND NOT EXISTS (
        SELECT FROM reconciliation_retelling retelling
        JOIN reconciliation_settlementline earlier ON earlier.id = retelling.earlier_id
        WHERE retelling.line_id = line.id
          AND (earlier.category, earlier.currency, earlier.gross, earlier.fee,
               earlier.occurred_at, earlier.processor_reference)
            = (line.category, line.currency, line.gross, line.fee,
               line.occurred_at, line.processor_reference)
      )
"""


def judge(window: Window, grace: Grace) -> None:
    """Make the temporary table `reconciliation_found` of the pairs. In a transaction."""
    judged = " UNION ALL ".join(
        _JUDGE.format(kind=rule.kind, amount=rule.amount, grace=rule.grace, when=rule.when)
        for rule in RULES
    )
    given = window.parameters() | {
        "at": window.end,
        "told": grace.told,
        "settled": grace.settled,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MAKE)
        cursor.execute(_FIND.format(judged=judged, short_key=short("key")), given)
        cursor.execute(_GUESS, given)
        cursor.execute(_LATE, given)
