"""What happened to one payment: its steps at the processor and its moves, in order."""

from typing import Any

from foundation.models import AuditEntry, Transition
from payments.models import Payment
from payments.representations import moment, told_actor

Entry = dict[str, Any]


def of_payment(payment: Payment, *, for_staff: bool = False) -> list[Entry]:
    """One stream, oldest first. A client of the API is not told which of our people acted, nor
    what they wrote; staff are."""
    entries = [*_steps(payment), *_moves(payment), *(_deeds(payment) if for_staff else [])]
    if not for_staff:
        entries = [_without_names(entry) for entry in entries]
    return sorted(entries, key=lambda entry: str(entry["at"]))


def _steps(payment: Payment) -> list[Entry]:
    return [
        _entry(step.created_at, "processor", f"{step.kind} {_outcome(step.succeeded)}", step.actor)
        for step in payment.transactions.all()
    ]


def _outcome(succeeded: bool) -> str:  # noqa: FBT001 - private
    return "succeeded" if succeeded else "failed"


def _moves(payment: Payment) -> list[Entry]:
    return [
        _entry(row.at, "state", f"{row.from_state} → {row.to_state}", row.actor, row.reason)
        for row in Transition.objects.filter(aggregate_id=payment.pk)
    ]


def _deeds(payment: Payment) -> list[Entry]:
    return [
        _entry(row.at, "audit", row.action, row.actor, row.reason)
        | {"about": ("auditentry", row.pk)}
        for row in AuditEntry.objects.filter(aggregate_id=payment.pk)
    ]


def _entry(at: Any, kind: str, what: str, actor: str, reason: str = "") -> Entry:
    return {"at": moment(at), "kind": kind, "what": what, "actor": actor, "reason": reason}


def _without_names(entry: Entry) -> Entry:
    kept = {name: value for name, value in entry.items() if name != "reason"}
    return kept | {"actor": told_actor(str(entry["actor"]))}
