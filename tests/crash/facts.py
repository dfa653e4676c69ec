"""Everything that is known of one trial: our rows as they are, and the processor's own journal.

Plain SQL and plain dictionaries, on purpose: what judges the code does not use the code.
"""



from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from foundation import ids
from tests.crash import mail
from tests.crash.scene import ON_HAND, Stage
from tests.sandbox import Sandbox

Row = dict[str, Any]
Heard = dict[str, Any]

_CHECKOUTS: Final = "SELECT id FROM orders_checkout WHERE client_id = %(client)s"
_ORDERS: Final = "SELECT id FROM orders_order WHERE client_id = %(client)s"
_PAYMENTS: Final = "SELECT id FROM payments_payment WHERE client_id = %(client)s"
_QUERIES: Final = {
    "keys": f"""SELECT *, xmin::text AS written_by FROM foundation_idempotencykey
        WHERE scope LIKE %(scope)s OR subject_id IN ({_CHECKOUTS})""",
    "checkouts": "SELECT * FROM orders_checkout WHERE client_id = %(client)s",
    "payments": "SELECT * FROM payments_payment WHERE client_id = %(client)s",
    "steps": f"SELECT * FROM payments_paymenttransaction WHERE payment_id IN ({_PAYMENTS})",
    "orders": "SELECT * FROM orders_order WHERE client_id = %(client)s",
    "lines": f"""SELECT *, xmin::text AS written_by FROM orders_orderline
        WHERE order_id IN ({_ORDERS})""",
    "reservations": f"SELECT * FROM orders_reservation WHERE checkout_id IN ({_CHECKOUTS})",
    "stock": "SELECT * FROM orders_stockitem WHERE sku = %(sku)s",
    "fulfillments": f"SELECT * FROM orders_fulfillment WHERE order_id IN ({_ORDERS})",
    "notifications": f"SELECT * FROM orders_notification WHERE order_id IN ({_ORDERS})",
    "events": f"""SELECT * FROM events_outboxevent WHERE stream IN ({_CHECKOUTS})
        ORDER BY stream, sequence""",
    "moves": f"""SELECT * FROM foundation_transition
        WHERE aggregate_id IN ({_CHECKOUTS} UNION {_ORDERS} UNION {_PAYMENTS}) ORDER BY id""",
    "audit": f"""SELECT * FROM foundation_auditentry
        WHERE aggregate_id IN ({_CHECKOUTS} UNION {_ORDERS} UNION {_PAYMENTS})""",
}  # fmt: skip


@dataclass
class Facts:
    """Rows by table, the journal's entries by kind, and what the client heard, in order."""

    keys: list[Row]
    checkouts: list[Row]
    payments: list[Row]
    steps: list[Row]
    orders: list[Row]
    lines: list[Row]
    reservations: list[Row]
    stock: list[Row]
    fulfillments: list[Row]
    notifications: list[Row]
    events: list[Row]
    moves: list[Row]
    audit: list[Row]
    effects: list[Row]
    requests: list[Row]
    holds: list[Row]
    mails: list[str]
    heard: list[Heard]
    opening_stock: int = ON_HAND

    def effects_of(self, payment: Row, *names: str) -> list[Row]:
        """What really happened at the processor for one payment."""
        ours = reference(payment)
        return [e for e in self.effects if e["reference"] == ours and e["effect"] in names]

    def steps_of(self, payment: Row, kind: str) -> list[Row]:
        """What we believe happened for one payment."""
        return [
            step for step in self.steps
            if step["payment_id"] == payment["id"] and step["kind"] == kind and step["succeeded"]
        ]  # fmt: skip


def reference(payment: Row) -> str:
    """Our reference of a payment, as the processor was told."""
    return ids.public("pay", payment["id"])


def gather(stage: Stage, sandbox: Sandbox, heard: list[Heard]) -> Facts:
    """Read everything, in one go each from the database and the witness."""
    values = {"client": stage.client_id, "scope": f"{stage.client_id}:%", "sku": stage.sku}
    with connection.cursor() as cursor:
        rows = {name: _read(cursor, sql, values) for name, sql in _QUERIES.items()}
    effects: list[Row] = []
    requests: list[Row] = []
    holds: list[Row] = []
    for payment in rows["payments"]:
        ours = reference(payment)
        for entry in sandbox.entries(ours):
            found = effects if entry["kind"] == "effect" else requests
            found.append({**entry, "reference": ours})
        holds += [{**hold, "reference": ours} for hold in sandbox.holds(ours)]
    return Facts(
        **rows, effects=effects, requests=requests, holds=holds,
        mails=mail.sent_to(stage.body["customer"]["email"]), heard=heard,
    )  # fmt: skip


def _read(cursor: Any, sql: str, values: Row) -> list[Row]:
    cursor.execute(sql, values)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
