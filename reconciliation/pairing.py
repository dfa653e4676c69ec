"""Both books' sums of every payment that is not even, next to each other, by one statement.

    lines of the processor, newest telling of each ─┐
                                                    ├─ per payment → reconciliation_pair (temporary)
    successful transactions of ours ────────────────┘

A payment is known by what a person said, by the processor's id or, when we never learned that, by
our reference that the processor carries. In scope is what moved in either book since the day that
was compared before, what was told since then, and what that day left waiting or is broken; what of
it is even is only counted (`sieve.py`). Of the others, all that ever happened counts, up to the
day's end: so midnight splits nothing, and a capture in parts is summed before it is compared.
"""

import uuid
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.db import connection

from reconciliation import sieve
from reconciliation.sieve import CAPTURED, DISPUTED, REFUNDED
from reconciliation.window import Window

_PAIRS: Final = f"""
    CREATE TEMPORARY TABLE reconciliation_pair ON COMMIT DROP AS
    WITH told_as AS (
        SELECT key, key AS processor_reference FROM reconciliation_scope scope
        UNION
        SELECT member.key, member.processor_reference FROM reconciliation_member member
        JOIN reconciliation_scope scope ON scope.key = member.key
        WHERE member.processor_reference <> ''
    ), newest AS (
        SELECT DISTINCT ON (line.external_id) told_as.key, line.*
        FROM reconciliation_settlementline line
        JOIN told_as ON told_as.processor_reference = line.processor_reference
        WHERE line.account = %(account)s AND line.occurred_at < %(end)s
        ORDER BY line.external_id, line.id DESC
    ), theirs AS (
        SELECT key,
            min(currency) AS currency,
            max(currency) AS other_currency,
            coalesce(sum(gross) FILTER (WHERE category IN {CAPTURED}), 0) AS captured,
            coalesce(-sum(gross) FILTER (WHERE category IN {REFUNDED}), 0) AS refunded,
            coalesce(-sum(gross) FILTER (WHERE category IN {DISPUTED}), 0) AS disputed,
            coalesce(sum(fee), 0) AS fee,
            max(occurred_at) AS moved_at,
            (array_agg(payment_id) FILTER (WHERE payment_id IS NOT NULL))[1] AS named_id
        FROM newest GROUP BY key
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
        WHERE NOT EXISTS (SELECT FROM reconciliation_member member WHERE member.key = scope.key)
        UNION ALL
        SELECT scope.key, member.payment_id, 'person'
        FROM reconciliation_scope scope JOIN reconciliation_member member ON member.key = scope.key
        WHERE member.payment_id IS NOT NULL
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
    ), whose AS (
        SELECT key, (array_agg(payment_id ORDER BY payment_id))[1] AS payment_id,
            min(matched_by) AS matched_by
        FROM known GROUP BY key
    )
    SELECT whose.key, whose.payment_id, whose.matched_by,
        whose.payment_id IS NOT NULL AS is_known,
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
    FROM whose
    LEFT JOIN theirs ON theirs.key = whose.key
    LEFT JOIN ours ON ours.key = whose.key
"""  # noqa: S608 - constants of this file; values are parameters


_GROUP: Final = (
    """
    CREATE TEMPORARY TABLE reconciliation_member ON COMMIT DROP AS
    SELECT %(key)s::text AS key, NULL::uuid AS payment_id, processor_reference
    FROM unnest(%(references)s::text[]) processor_reference
    UNION ALL
    SELECT %(key)s, id, processor_reference FROM payments_payment WHERE id = ANY(%(payments)s)
    """,
    "CREATE TEMPORARY TABLE reconciliation_scope ON COMMIT DROP AS SELECT %(key)s::text AS key",
)


@dataclass(frozen=True)
class Group:
    """What a person says belongs together: ids of the processor's, and payments of ours."""

    key: str
    references: tuple[str, ...]
    payments: tuple[uuid.UUID, ...]


@dataclass(frozen=True)
class Paired:
    """How many payments were looked at, how many of them are even, and their volume.

    `volume`: what was taken by the lines that are new, by currency, in minor units.
    """

    payments: int
    even: int
    volume: dict[str, int]


def pair(window: Window) -> Paired:
    """Make the temporary table `reconciliation_pair` of those that are not even."""
    sifted = sieve.sift(window)
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, window.parameters())
        cursor.execute("ANALYZE reconciliation_pair")
        cursor.execute("SELECT count(*) FROM reconciliation_pair")
        (closely,) = cursor.fetchone()
    return Paired(sifted.even + int(closely), sifted.even, sifted.volume)


def pair_group(window: Window, group: Group) -> dict[str, Any]:
    """Make the same table of this group alone, whatever moved; returns its row."""
    given = window.parameters() | {
        "key": group.key,
        "references": list(group.references),
        "payments": list(group.payments),
    }
    with connection.cursor() as cursor:
        for statement in (*_GROUP, _PAIRS):
            cursor.execute(statement, given)
        cursor.execute("SELECT to_jsonb(pair) FROM reconciliation_pair pair")
        (row,) = cursor.fetchone()
    found: dict[str, Any] = orjson.loads(row) if isinstance(row, str) else row
    return found
