"""How runs and breaks look on the wire."""

import uuid
from typing import Any

from foundation.ids import public
from payments.representations import moment, money, told_actor
from reconciliation.models import (
    Match,
    ReconciliationBreak,
    ReconciliationRun,
    SettlementReport,
    Unmatch,
)


def run(row: ReconciliationRun) -> dict[str, Any]:
    """A run: `matched` of `payments` looked at, and what was found, by class and currency."""
    counts = row.counts
    return {
        "id": row.reference,
        "account": row.account,
        "day": row.day.isoformat(),
        "version": row.version,
        "status": row.state,
        "payments": counts.get("pairs"),
        "matched": counts.get("matched"),
        "new_breaks": counts.get("new_breaks"),
        "auto_resolved": counts.get("auto_resolved"),
        "volume": [money(amount, code) for code, amount in counts.get("volume", {}).items()],
        "found": [_found(each) for each in counts.get("found", [])],
        "digest": row.digest or None,
        "error": row.error or None,
        "started_at": moment(row.started_at),
        "finished_at": moment(row.finished_at),
    }


def _found(each: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": each["kind"],
        "count": each["count"],
        "amount": money(each["amount"], each["currency"]),
        "is_waiting": each["waiting"],
    }


def break_(row: ReconciliationBreak) -> dict[str, Any]:
    """A break with what each side shows."""
    return {
        "id": row.reference,
        "account": row.account,
        "kind": row.kind,
        "status": row.state,
        "amount": money(row.amount, row.currency),
        "severity": row.severity,
        "payment": public("pay", row.payment_id) if row.payment_id else None,
        "order_number": row.order_number,
        "processor_reference": row.processor_reference or None,
        "ours": row.ours,
        "theirs": row.theirs,
        "assignee": told_actor(row.assignee) or None,
        "reason": row.settled_reason or None,
        "began_at": moment(row.began_at),
        "first_seen_at": moment(row.first_seen_at),
        "last_seen_at": moment(row.last_seen_at),
        "settled_at": moment(row.settled_at),
    }


def settlement(row: SettlementReport) -> dict[str, Any]:
    """A report: what it tells of, and how much of it was new."""
    return {
        "id": row.reference,
        "account": row.account,
        "origin": row.origin,
        "name": row.name,
        "reader": row.format,
        "sha256": row.sha256,
        "since": moment(row.begins_at),
        "until": moment(row.ends_at),
        "lines": row.line_count,
        "new_lines": row.new_line_count,
        "ingested_by": told_actor(row.ingested_by),
        "ingested_at": moment(row.ingested_at),
    }


def match(row: Match) -> dict[str, Any]:
    """A match by hand: what belongs together, both sides as they were, and whether it stands."""
    members = sorted(row.members.all(), key=lambda each: each.pk)
    undone: Unmatch | None = getattr(row, "undone", None)
    return {
        "id": row.reference,
        "account": row.account,
        "break": public("brk", row.broken_id),
        "status": "undone" if undone else "matched",
        "processor_references": [
            each.processor_reference for each in members if each.processor_reference
        ],
        "payments": [public("pay", each.payment_id) for each in members if each.payment_id],
        "ours": row.ours,
        "theirs": row.theirs,
        "difference": money(row.difference, row.currency),
        "closed": [public("brk", uuid.UUID(each)) for each in row.closed],
        "matched_by": told_actor(row.matched_by),
        "reason": row.reason,
        "matched_at": moment(row.matched_at),
        "undone_by": told_actor(undone.undone_by) if undone else None,
        "undone_reason": undone.reason if undone else None,
        "undone_at": moment(undone.undone_at) if undone else None,
    }
