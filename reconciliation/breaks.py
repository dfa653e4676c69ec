"""What a run found, written down: new breaks, the same ones met again, those that are gone.

A break is one row for each fingerprint, however many runs meet it. All in the run's transaction.
"""

import uuid
from typing import Any, Final

from django.db import connection

from events import outbox
from events.outbox import Event
from foundation import clock
from foundation.state_machine import IllegalTransition, move
from reconciliation.models import ReconciliationBreak
from reconciliation.states import BREAK, UNSETTLED
from reconciliation.window import Window

BY: Final = "system:reconciliation"
_EVENTS_AT_ONCE: Final = 500

# A UUIDv7, as `foundation.ids` makes them, for rows that are born by the thousand in one statement.
_NEW_ID: Final = """
    (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
"""

_RECORD: Final = f"""
    INSERT INTO reconciliation_reconciliationbreak AS known
        (id, account, kind, fingerprint, state, amount, currency, payment_id, order_number,
         processor_reference, ours, theirs, began_at, first_seen_at, last_seen_at, assignee,
         settled_reason)
    SELECT {_NEW_ID}, %(account)s, kind, fingerprint, 'open', amount, currency, payment_id,
        order_number, processor_reference, ours, theirs, began_at, %(now)s, %(now)s, '', ''
    FROM reconciliation_found WHERE NOT is_waiting
    ON CONFLICT (fingerprint) DO UPDATE SET
        amount = excluded.amount, currency = excluded.currency, ours = excluded.ours,
        theirs = excluded.theirs, last_seen_at = excluded.last_seen_at,
        order_number = excluded.order_number, payment_id = excluded.payment_id
    WHERE known.state <> 'written_off' OR known.amount <> excluded.amount
    RETURNING id, state, xmax = 0 AS is_new
"""  # noqa: S608 - constants of this file; values are parameters

# Of what was looked at: a break about a payment, about a line that names none (`strays.py`), or
# about an order when those were asked. What is found and only seems young, because something else
# moved on its payment, is not gone.
_GONE: Final = """
    SELECT known.id FROM reconciliation_reconciliationbreak known
    WHERE known.account = %(account)s AND known.state = ANY(%(unsettled)s)
      AND NOT EXISTS (
        SELECT 1 FROM reconciliation_found found WHERE found.fingerprint = known.fingerprint
      )
      AND (known.kind = ANY(%(asked)s)
           OR (known.kind = 'orphan_capture' AND known.theirs ->> 'line' IS NOT NULL)
           OR known.processor_reference <> '' AND known.kind <> ALL(%(of_orders)s))
"""


def record(window: Window) -> int:
    """Write the breaks that were found; returns how many are new. What was settled and is met
    again is reopened; written off, only when another amount is at stake."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, {"account": window.account, "now": now})
        met = cursor.fetchall()
    for break_id, state, is_new in met:
        if not is_new and state not in UNSETTLED:
            _reopen(break_id)
    _tell([break_id for break_id, _, is_new in met if is_new])
    return sum(is_new for _, _, is_new in met)


def resolve_gone(window: Window, *, asked: list[str], of_orders: list[str]) -> int:
    """End the breaks that were looked for and not found; returns how many.

    `asked`: the classes that this run looked for everywhere; `of_orders`: those that no pair of
    books says anything about.
    """
    given: dict[str, Any] = {
        "account": window.account,
        "unsettled": list(UNSETTLED),
        "asked": asked,
        "of_orders": of_orders,
    }
    with connection.cursor() as cursor:
        cursor.execute(_GONE, given)
        gone = [break_id for (break_id,) in cursor.fetchall()]
    return sum(_end(break_id) for break_id in gone)


def _reopen(break_id: uuid.UUID) -> None:
    row = ReconciliationBreak.objects.get(pk=break_id)
    reason = "a later run found it again"
    move(
        row, table=BREAK, to="reopened", by=BY, reason=reason,
        settled_at=None, settled_reason="", assignee="",
    )  # fmt: skip


def _end(break_id: uuid.UUID) -> bool:
    row = ReconciliationBreak.objects.get(pk=break_id)
    reason = "a later run found it gone"
    try:
        move(
            row, table=BREAK, to="auto_resolved", by=BY, reason=reason,
            settled_at=clock.now(), settled_reason=reason,
        )  # fmt: skip
    except IllegalTransition:
        return False  # a person was faster
    return True


def _tell(break_ids: list[uuid.UUID]) -> None:
    """`reconciliation.break_opened` for each, a few hundred rows at a time."""
    for start in range(0, len(break_ids), _EVENTS_AT_ONCE):
        rows = ReconciliationBreak.objects.filter(pk__in=break_ids[start : start + _EVENTS_AT_ONCE])
        outbox.record_each(
            {row.pk: Event("reconciliation.break_opened", _facts(row)) for row in rows},
            client_id=None,
        )


def _facts(row: ReconciliationBreak) -> dict[str, object]:
    return {
        "break": row.reference,
        "break_id": str(row.pk),
        "kind": row.kind,
        "amount": {"amount": row.amount, "currency": row.currency},
        "began_at": row.began_at.isoformat(),
    }
