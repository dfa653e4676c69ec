"""What people write down about an order: kept beside what they did, and never changed."""

import uuid
from typing import Final

from foundation.desk.confirm import Question
from foundation.desk.sections import Facts, Table
from foundation.desk.staff import when
from foundation.models import AuditEntry
from foundation.rows import insert_unless_there
from foundation.transactions import durable
from orders.admin.deeds import Act, Deed
from orders.models import Order

_ACTION: Final = "order.note"


def of(order: Order) -> Table:
    """Notes, the newest on top."""
    rows = AuditEntry.objects.filter(aggregate_id=order.pk, action=_ACTION).order_by("-at")
    said = [(when(row.at), row.actor, row.reason) for row in rows]
    return Table("Notes", ("When", "Who", "Note"), said, empty="Nobody wrote anything down.")


def _ask(order: Order) -> Question:
    facts = Facts("", [("Order", order.public_number), ("E-mail", order.email)])
    consequence = "Your words stand on the order's page, with your name. Nothing else happens."
    return Question("Add a note", f"Note on {order.public_number}", facts, consequence)


def _keep(order: Order, act: Act) -> str:
    """The form's own id is the note's: sent twice, it is kept once."""
    with durable():
        insert_unless_there(_note(order, act, act.operation_id))
    return "Noted."


def _note(order: Order, act: Act, note_id: uuid.UUID) -> AuditEntry:
    return AuditEntry(
        id=note_id, actor=act.by, action=_ACTION, aggregate="order", aggregate_id=order.pk,
        reason=act.reason,
    )  # fmt: skip


DEEDS: Final = (Deed("note", "Add a note", "foundation.handle_case", lambda _: "", _ask, _keep),)
