"""Sales as analytics counted them, told row by row; the same sale told twice is kept twice."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from attribution import cleaning
from attribution.models import Conversion, ConversionBatch


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one row; a duplicate is a sale that was told before, here or elsewhere."""

    transaction_id: str
    is_duplicate: bool


def record(told: Sequence[Mapping[str, Any]], *, batch_id: uuid.UUID, client_id: uuid.UUID) -> None:
    """Store all rows in the caller's transaction, in their order: a later one has a later id."""
    batch = ConversionBatch.objects.create(id=batch_id, client_id=client_id, rows=len(told))
    Conversion.objects.bulk_create([_conversion(row, batch) for row in told])


def results(batch_id: uuid.UUID) -> list[Result]:
    """Each row of a batch in its order, and whether an earlier row tells of the same sale."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT told.transaction_id, EXISTS (
                   SELECT 1 FROM attribution_conversion earlier
                   WHERE earlier.client_id = told.client_id AND earlier.id < told.id
                     AND earlier.transaction_id = told.transaction_id)
               FROM attribution_conversion told WHERE told.batch_id = %s ORDER BY told.id""",
            [batch_id],
        )
        return [Result(*row) for row in cursor.fetchall()]


def _conversion(told: Mapping[str, Any], batch: ConversionBatch) -> Conversion:
    value, tax, shipping = (told[name] for name in ("value", "tax", "shipping"))
    return Conversion(
        client_id=batch.client_id,
        batch=batch,
        transaction_id=told["transaction_id"],
        amount=value.amount,
        tax_amount=tax.amount if tax else 0,
        shipping_amount=shipping.amount if shipping else 0,
        currency=value.currency,
        is_test=told["test"],
        occurred_at=told["occurred_at"],
        **cleaning.origin(told),
    )
