"""Whoever moved money is on record: written in the transaction that moved it."""

import uuid
from typing import Any

from foundation.models import AuditEntry


def record(  # noqa: PLR0913 - an audit entry has this many facts
    *,
    actor: str,
    action: str,
    aggregate: str,
    aggregate_id: uuid.UUID,
    reason: str,
    before: dict[str, Any],
    after: dict[str, Any],
) -> AuditEntry:
    """Append one entry; refuses an empty actor or reason (a nameless move is no record)."""
    if not actor.strip() or not reason.strip():
        raise ValueError("an audit entry needs an actor and a reason")
    return AuditEntry.objects.create(
        actor=actor,
        action=action,
        aggregate=aggregate,
        aggregate_id=aggregate_id,
        reason=reason,
        before=before,
        after=after,
    )


def count(aggregate_id: uuid.UUID) -> int:
    """How often something was done about this row: a form drawn before the last is outdated."""
    return AuditEntry.objects.filter(aggregate_id=aggregate_id).count()
