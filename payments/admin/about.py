"""What other rows say about a payment: disputes, and what the processor told; and their moves."""

import datetime as dt
from typing import Any, Final

from foundation import clock
from foundation.desk.sections import Table
from foundation.desk.staff import badge, link, page_of, when
from foundation.models import Transition
from foundation.money import Money
from payments.models import Dispute, Payment, ProcessorEvent

_SHOWN_MAX: Final = 100


def disputes_of(payment: Payment) -> list[Table]:
    """The disputes of one payment, for its own page and its order's; no table without one."""
    rows = [
        (
            when(row.opened_at),
            link(page_of("dispute", row.pk), row.reference),
            badge(row.state),
            row.reason,
            when(row.evidence_due_by),
            time_left(row),
            Money(row.amount, row.currency),
        )
        for row in payment.disputes.order_by("sequence")
    ]
    columns = ("Opened", "Dispute", "State", "Reason", "Evidence due", "Left", "Amount")
    return [Table("Disputes", columns, rows, numbers=("Amount",))] if rows else []


def told_of(payment: Payment) -> Table:
    """The newest messages about one payment, for its own page."""
    rows = payment.processor_events.defer("body").order_by("-pk")[:_SHOWN_MAX]
    return Table(
        "Told by the processor",
        ("Received", "Event", "State", "Outcome"),
        [
            (
                when(row.received_at),
                link(page_of("processorevent", row.pk), row.type),
                badge(row.state),
                row.outcome or row.last_error,
            )
            for row in rows
        ],
        empty="Nothing was told.",
    )


def time_left(row: Dispute) -> str:
    """In words, to the hour; "over" when it is too late, a dash when nothing is asked for."""
    if row.state != "open" or row.evidence_due_by is None:
        return "—"
    left = row.evidence_due_by - clock.now()
    if left <= dt.timedelta(0):
        return "over"
    hours = int(left.total_seconds()) // 3600
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def moves_of(row: Dispute | ProcessorEvent) -> list[dict[str, Any]]:
    """Each move of its state, oldest first, for its timeline."""
    return [
        {
            "at": move.at.isoformat(),
            "kind": "state",
            "what": f"{move.from_state} → {move.to_state}",
            "actor": move.actor,
            "reason": move.reason,
        }
        for move in Transition.objects.filter(aggregate_id=row.pk).order_by("pk")
    ]
