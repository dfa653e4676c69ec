"""What happened to one payment: its steps at the processor and its moves, in order."""

from typing import Any

from foundation.models import Transition
from payments.models import Payment
from payments.representations import moment, told_actor


def of_payment(payment: Payment) -> list[dict[str, Any]]:
    """One stream, oldest first."""
    steps = [
        {
            "at": moment(step.created_at),
            "kind": "processor",
            "what": f"{step.kind} {'succeeded' if step.succeeded else 'failed'}",
            "actor": told_actor(step.actor),
        }
        for step in payment.transactions.all()
    ]
    moves = [
        {
            "at": moment(row.at),
            "kind": "state",
            "what": f"{row.from_state} → {row.to_state}",
            "actor": told_actor(row.actor),
        }
        for row in Transition.objects.filter(aggregate_id=payment.pk)
    ]
    return sorted([*steps, *moves], key=lambda entry: str(entry["at"]))
