"""What people do with a break: take it, say something, resolve it, write it off, open it again.

Each is one guarded move with an audit entry in the same transaction. Nothing here moves money.
"""

import datetime as dt
import uuid
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import Q, Sum

from foundation import audit, clock
from foundation.errors import NotFound
from foundation.models import AuditEntry
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from reconciliation.models import ReconciliationBreak
from reconciliation.refusals import BreakNotOpen, SecondPersonNeeded
from reconciliation.states import BREAK

_LOCK_SPACE: Final = 0x5EC1  # the advisory locks of write-offs; the other key is who
_A_DAY: Final = dt.timedelta(days=1)
_VERBS: Final = {"resolved": "resolve", "written_off": "write_off"}


def take(break_id: uuid.UUID, *, by: str, reason: str) -> ReconciliationBreak:
    """→ `assigned` to whoever takes it; from somebody else, too. Raises `BreakNotOpen`."""
    with durable():
        row = locked(break_id)
        if row.state == "assigned":
            _note(row, "take", by=by, reason=reason, assignee=by)
        else:
            _move(row, "assigned", "take", by=by, reason=reason, assignee=by)
    return row


def comment(break_id: uuid.UUID, *, by: str, text: str) -> ReconciliationBreak:
    """Say something about it, on record. Whatever its state is."""
    with durable():
        row = locked(break_id)
        _note(row, "comment", by=by, reason=text)
    return row


def resolve(break_id: uuid.UUID, *, by: str, reason: str) -> ReconciliationBreak:
    """→ `resolved`: somebody saw to it. A run that meets it again reopens it.

    Raises `BreakNotOpen`.
    """
    with durable():
        return settle(break_id, "resolved", by=by, reason=reason)


def write_off(break_id: uuid.UUID, *, by: str, reason: str) -> ReconciliationBreak:
    """→ `written_off`: the money is given up. From an amount on, not by whoever took it.

    Raises `BreakNotOpen` and `SecondPersonNeeded`.
    """
    with durable():
        return settle(break_id, "written_off", by=by, reason=reason)


def settle(
    break_id: uuid.UUID, to: str, *, by: str, reason: str, operation_id: uuid.UUID | None = None
) -> ReconciliationBreak:
    """Either of the two, in the caller's transaction. `operation_id`: of the request that asks."""
    row = locked(break_id)
    if to == "written_off":
        refuse_alone(row, by=by)
    # The request that settled it before may still look for it, to hear what came of it.
    _move(
        row, to, _VERBS[to], by=by, reason=reason, settled_at=clock.now(),
        settled_reason=reason[:500],
        settled_by_operation=operation_id or row.settled_by_operation,
    )  # fmt: skip
    return row


def reopen(break_id: uuid.UUID, *, by: str, reason: str) -> ReconciliationBreak:
    """What was settled asks for somebody again. Raises `BreakNotOpen` for one that does already."""
    with durable():
        return open_again(break_id, by=by, reason=reason)


def open_again(break_id: uuid.UUID, *, by: str, reason: str) -> ReconciliationBreak:
    """The same, in the caller's transaction."""
    row = locked(break_id)
    _move(
        row, "reopened", "reopen", by=by, reason=reason,
        settled_at=None, settled_reason="", assignee="",
    )  # fmt: skip
    return row


def locked(break_id: uuid.UUID) -> ReconciliationBreak:
    """The break, nobody else's until the transaction ends. Raises `NotFound`."""
    row = ReconciliationBreak.objects.select_for_update(no_key=True).filter(pk=break_id).first()
    if row is None:
        raise NotFound("There is no such break.")
    return row


def refuse_alone(row: ReconciliationBreak, *, by: str, amount: int | None = None) -> None:
    """Four eyes: one took it and looked into it, another ends it; both are people.

    Much money in small parts is much money: what somebody gave up alone in a day counts together.
    `amount`: what is ended by it, in minor units; or else what the break is about. Raises
    `SecondPersonNeeded`.
    """
    ended = row.amount if amount is None else amount
    if _given_up_alone(row.currency, by=by) + ended < settings.RECONCILIATION_WRITE_OFF_ALONE:
        return
    is_a_person = by.startswith("staff:")
    if row.state != "assigned" or row.assignee == by or not is_a_person:
        raise SecondPersonNeeded(
            "Somebody must have taken it, and somebody else must end it.",
            assignee=row.assignee,
        )


def _given_up_alone(currency: str, *, by: str) -> int:
    """Minor units in the last day, without what took two; nobody adds to it until we commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK_SPACE, by])
    since = clock.now() - _A_DAY
    deeds = AuditEntry.objects.filter(actor=by, action="break.write_off", at__gt=since)
    alone = deeds.exclude(Q(before__state="assigned") & ~Q(before__assignee=by))
    given_up = ReconciliationBreak.objects.filter(
        state="written_off", currency=currency, settled_at__gt=since,
        pk__in=alone.values("aggregate_id"),
    )  # fmt: skip
    return given_up.aggregate(amount=Sum("amount"))["amount"] or 0


def _move(
    row: ReconciliationBreak, to: str, verb: str, *, by: str, reason: str, **changes: Any
) -> None:
    before = {"state": row.state, "assignee": row.assignee}
    try:
        move(row, table=BREAK, to=to, by=by, reason=reason, **changes)
    except IllegalTransition as error:
        raise BreakNotOpen(f"It is {row.state.replace('_', ' ')}.", status_now=row.state) from error
    _record(row, verb, before, by=by, reason=reason)


def _note(row: ReconciliationBreak, verb: str, *, by: str, reason: str, assignee: str = "") -> None:
    before = {"state": row.state, "assignee": row.assignee}
    if assignee:
        row.assignee = assignee
        row.save(update_fields=["assignee"])
    _record(row, verb, before, by=by, reason=reason)


def _record(
    row: ReconciliationBreak, verb: str, before: dict[str, str], *, by: str, reason: str
) -> None:
    audit.record(
        actor=by,
        action=f"break.{verb}",
        aggregate="break",
        aggregate_id=row.pk,
        reason=reason,
        before=before,
        after={"state": row.state, "assignee": row.assignee},
    )
