"""Breaks as CSV for a spreadsheet, which is told nothing that it would compute."""

import csv
import io
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpResponse

from foundation.ids import public
from foundation.money import major_units
from reconciliation.models import ReconciliationBreak

_COLUMNS: Final = (
    "id", "class", "state", "at_risk", "currency", "payment", "order", "processor_reference",
    "happened", "first_seen", "last_seen", "taken_by", "settled", "reason",
)  # fmt: skip
_ROWS_MAX: Final = 100_000
# What a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_of(rows: QuerySet[ReconciliationBreak]) -> HttpResponse:
    """The first 100,000 of them, as a file to save."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for row in rows[:_ROWS_MAX].iterator(chunk_size=1000):
        writer.writerow([harmless(cell) for cell in _cells(row)])
    reply = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    reply["Content-Disposition"] = 'attachment; filename="breaks.csv"'
    return reply


def harmless(cell: Any) -> str:
    """As text; what begins like a formula is told to be text."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cells(row: ReconciliationBreak) -> list[Any]:
    return [
        row.reference,
        row.kind,
        row.state,
        major_units(row.amount, row.currency),
        row.currency,
        public("pay", row.payment_id) if row.payment_id else "",
        row.order_number,
        row.processor_reference,
        row.began_at.isoformat(),
        row.first_seen_at.isoformat(),
        row.last_seen_at.isoformat(),
        row.assignee,
        row.settled_at.isoformat() if row.settled_at else "",
        row.settled_reason,
    ]
