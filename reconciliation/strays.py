"""Money that moved there and names no payment at all, by any id: each line of it is a break.

Pairs are made by the processor's id of a payment. A charge that was made past it (by hand, by
another program on the same account) has none, and would be in no pair and in no run.
"""

from typing import Final

from django.db import connection

from reconciliation.fingerprints import short
from reconciliation.window import Window

# The newest telling of each; those that are a break already are looked at again.
_FIND: Final = f"""
    INSERT INTO reconciliation_found
    SELECT 'orphan_capture',
        'orphan_capture:' || %(account)s || ':line:' || {short("line.external_id")},
        abs(line.gross), line.currency, line.payment_id, NULL, '', '{{}}'::jsonb,
        jsonb_build_object('line', line.external_id, 'category', line.category,
            'gross', line.gross, 'source', line.source_id, 'happened', line.occurred_at),
        line.occurred_at, FALSE
    FROM reconciliation_settlementline line
    WHERE line.account = %(account)s AND line.processor_reference = '' AND line.gross <> 0
      AND line.category IN ('charge', 'partial_capture_reversal', 'refund', 'refund_failure',
          'dispute', 'dispute_reversal')
      AND line.occurred_at < %(end)s
      AND (line.occurred_at >= %(since)s OR line.id > %(after_line)s OR line.external_id IN (
          SELECT theirs ->> 'line' FROM reconciliation_reconciliationbreak
          WHERE account = %(account)s AND kind = 'orphan_capture'
            AND state IN ('open', 'assigned', 'reopened')
      ))
      AND NOT EXISTS (
          SELECT 1 FROM reconciliation_settlementline newer
          WHERE newer.account = line.account AND newer.external_id = line.external_id
            AND newer.id > line.id AND newer.occurred_at < %(end)s
      )
"""  # noqa: S608 - constants of this house; values are parameters


def judge(window: Window) -> None:
    """Add them to `reconciliation_found`. In the run's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, window.parameters())
