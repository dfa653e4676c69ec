"""Everything that one client's story left in our tables, read in one statement."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.db import connection

Row = Mapping[str, Any]
_OF_CLIENT: Final = {
    "checkouts": "SELECT * FROM orders_checkout WHERE client_id = %(client)s",
    "payments": "SELECT * FROM payments_payment WHERE client_id = %(client)s",
    "orders": "SELECT * FROM orders_order WHERE client_id = %(client)s",
}
_THEIRS: Final = {
    "reservations": """SELECT * FROM orders_reservation
        WHERE checkout_id IN (SELECT id FROM checkouts)""",
    "shipments": "SELECT * FROM orders_fulfillment WHERE order_id IN (SELECT id FROM orders)",
    "steps": """SELECT * FROM payments_paymenttransaction
        WHERE payment_id IN (SELECT id FROM payments)""",
    "keys": """SELECT id, key, state, subject_id, response_status,
            convert_from(response_body, 'UTF8') AS answer
        FROM foundation_idempotencykey WHERE subject_id IN (SELECT id FROM checkouts)""",
    "events": """SELECT stream, sequence, type FROM events_outboxevent
        WHERE stream IN (SELECT id FROM checkouts UNION SELECT stream FROM payments)
        ORDER BY sequence""",
    "moves": """SELECT aggregate_id, from_state, to_state FROM foundation_transition
        WHERE aggregate_id IN (SELECT id FROM checkouts UNION SELECT id FROM payments
            UNION SELECT id FROM orders UNION SELECT id FROM shipments) ORDER BY id""",
    "stock": "SELECT sku, on_hand, reserved FROM orders_stockitem WHERE sku = ANY(%(skus)s)",
    "spoken_for": """SELECT sku, sum(quantity)::int AS quantity FROM orders_reservation
        WHERE sku = ANY(%(skus)s) AND state IN ('held', 'committed') GROUP BY sku""",
}
_PARTS: Final = _OF_CLIENT | _THEIRS
_TABLES: Final = ", ".join(f"{name} AS ({sql})" for name, sql in _PARTS.items())
_ANSWERS: Final = [f"(SELECT json_agg(row_to_json({name})) FROM {name})" for name in _PARTS]
_SQL: Final = f"WITH {_TABLES} SELECT {', '.join(_ANSWERS)}"


@dataclass(frozen=True)
class Books:
    """Rows as JSON has them: ids and times are text, amounts integer minor units."""

    checkouts: Sequence[Row]
    payments: Sequence[Row]
    orders: Sequence[Row]
    reservations: Sequence[Row]
    shipments: Sequence[Row]
    steps: Sequence[Row]
    keys: Sequence[Row]
    events: Sequence[Row]
    moves: Sequence[Row]
    stock: Sequence[Row]
    spoken_for: Sequence[Row]

    @cached_property
    def payment(self) -> Mapping[str, Row]:
        """Payments by id."""
        return {row["id"]: row for row in self.payments}


def read_books(client_id: uuid.UUID, skus: Sequence[str]) -> Books:
    """The books of one client and of these products, in one snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"client": client_id, "skus": list(skus)})
        return Books(*[rows or [] for rows in cursor.fetchone()])


def by(column: str, rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    """Rows grouped by a column; an empty list for what is not there."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups
