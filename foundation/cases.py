"""What does not heal by itself becomes a case: a row with an owner, a deadline, and verbs.

`open_once` in the transaction that finds the trouble; however often it is found, one row is
open. It ends `resolved` when the trouble is over, whoever ended it, or `closed` when a
person says, with a reason, that nothing more will be done.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from foundation import audit, clock
from foundation.case_kinds import CaseKind
from foundation.errors import DomainError
from foundation.ids import new_id
from foundation.models import Case
from foundation.money import Money
from foundation.state_machine import IllegalTransition, move
from foundation.states import CASE
from foundation.transactions import durable

_log = logging.getLogger(__name__)
_HEALED: Final = "it is over by itself"


class CaseNotOpen(DomainError):
    """Somebody else ended it, or it ended by itself."""

    code, status, title = "case_not_open", 409, "This case is not open"


class NoSuchVerb(DomainError):
    """This can not be done about a case of this kind."""

    code, status, title = "case_verb_unknown", 409, "This can not be done about this case"


@dataclass(frozen=True)
class Subject:
    """The row a case is about: the name of its kind, and its id."""

    aggregate: str
    id: uuid.UUID


def kind_of(name: str) -> CaseKind:
    """The kind's entry in `CASE_KINDS`. Raises `LookupError` when there is none."""
    kinds: dict[str, CaseKind] = settings.CASE_KINDS
    if name not in kinds:
        raise LookupError(f"case kind {name!r} is not in CASE_KINDS")
    return kinds[name]


_OPEN: Final = """
    INSERT INTO foundation_case AS met
        (id, kind, aggregate, aggregate_id, title, detail, amount, currency, owner, due_at,
         opened_at, seen_at, tries, state, ended_by, ended_reason)
    SELECT %(id)s, %(kind)s::text, %(aggregate)s, %(row)s::uuid, %(title)s, %(detail)s,
        %(amount)s::bigint, %(currency)s, %(owner)s, %(due)s, %(now)s::timestamptz,
        %(now)s::timestamptz, 1, 'open', '', ''
    WHERE NOT EXISTS (
        SELECT 1 FROM foundation_case known
        WHERE known.kind = %(kind)s::text AND known.aggregate_id = %(row)s::uuid
          AND known.state = 'closed' AND known.amount IS NOT DISTINCT FROM %(amount)s::bigint
    )
    ON CONFLICT (kind, aggregate_id) WHERE state = 'open' DO UPDATE SET
        tries = met.tries + 1, seen_at = excluded.seen_at, detail = excluded.detail,
        amount = excluded.amount, currency = excluded.currency,
        due_at = CASE WHEN %(is_set)s::boolean THEN excluded.due_at ELSE met.due_at END
    RETURNING tries
"""


def open_once(
    kind: str,
    *,
    about: Subject,
    title: str,
    detail: str = "",
    stake: Money | None = None,
    due_at: dt.datetime | None = None,
) -> None:
    """Put this on somebody's desk, in the caller's transaction; met again, it is refreshed.

    What a person closed stays closed, unless something else is at stake now. Without `due_at`,
    which is for deadlines that others set, its kind says how soon it is due.
    Raises `LookupError` for a kind that is not in `CASE_KINDS`.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a case is opened in the transaction that finds the trouble")
    what, now = kind_of(kind), clock.now()
    values: dict[str, Any] = {
        "id": new_id(),
        "kind": kind,
        "aggregate": about.aggregate,
        "row": about.id,
        "title": title[:200],
        "detail": detail[:1000],
        "amount": stake.amount if stake else None,
        "currency": stake.currency if stake else "",
        "owner": what.owner,
        "due": due_at or now + dt.timedelta(seconds=what.due_seconds),
        "is_set": due_at is not None,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, values)
        met = cursor.fetchone()
    if met == (1,):
        _log.error("case opened: %s: %s", kind, title)


def resolve(kind: str, row_id: uuid.UUID, *, by: str, reason: str = _HEALED) -> bool:
    """End the open case of this kind about this row, if there is one; whether there was."""
    case = Case.objects.filter(kind=kind, aggregate_id=row_id, state="open").first()
    return case is not None and _end(case, to="resolved", by=by, reason=reason)


def _end(case: Case, *, to: str, by: str, reason: str) -> bool:
    try:
        move(
            case,
            table=CASE,
            to=to,
            by=by,
            reason=reason,
            ended_at=clock.now(),
            ended_by=by,
            ended_reason=reason[:500],
        )
    except IllegalTransition:
        return False
    return True


def resolve_healed(*, limit: int) -> int:
    """Resolve open cases whose trouble is over, looking at `limit` of each kind; how many were."""
    return sum(
        resolve(name, row_id, by="system:cases")
        for name in _kinds_with_open_cases()
        for row_id in _healed(name, limit=limit)
    )


def _kinds_with_open_cases() -> list[str]:
    """Of some thirty kinds mostly none is open: one statement instead of one a kind."""
    kinds = set(Case.objects.filter(state="open").values_list("kind", flat=True).distinct())
    return [name for name in settings.CASE_KINDS if name in kinds]


def _healed(name: str, *, limit: int) -> Sequence[uuid.UUID]:
    rows = Case.objects.filter(kind=name, state="open").order_by("due_at")
    ids = list(rows.values_list("aggregate_id", flat=True)[:limit])
    found: Sequence[uuid.UUID] = import_string(kind_of(name).healed)(ids) if ids else []
    return found


def act(case_id: uuid.UUID, *, verb: str, by: str, reason: str) -> str:
    """Do `verb` about an open case, on record, and resolve it if that was the end of it.

    Returns what became of it, for the person who asked. Runs without a transaction of its
    own: verbs call out. Raises `CaseNotOpen`, `NoSuchVerb`, and whatever the verb refuses.
    """
    case = _open_case(case_id)
    chosen = kind_of(case.kind).verbs.get(verb)
    if chosen is None:
        raise NoSuchVerb(f"{verb!r} can not be done about {case.kind}.")
    with durable():
        _record(case, verb=verb, by=by, reason=reason)
    told: str = import_string(chosen.path)(case, by=by, reason=reason)
    if case.aggregate_id in import_string(kind_of(case.kind).healed)([case.aggregate_id]):
        resolve(case.kind, case.aggregate_id, by=by, reason=reason)
    return told


def take(case_id: uuid.UUID, *, by: str, reason: str) -> None:
    """This person looks after it from now on. Raises `CaseNotOpen`."""
    case = _open_case(case_id)
    with durable():
        _record(case, verb="take", by=by, reason=reason)
        if not Case.objects.filter(pk=case_id, state="open").update(owner=by):
            raise CaseNotOpen


def close(case_id: uuid.UUID, *, by: str, reason: str) -> None:
    """Nothing more will be done, for this reason. Raises `CaseNotOpen`."""
    case = _open_case(case_id)
    with durable():
        if not _end(case, to="closed", by=by, reason=reason):
            raise CaseNotOpen("Somebody else ended it at the same moment.")
        _record(case, verb="close", by=by, reason=reason)


def _open_case(case_id: uuid.UUID) -> Case:
    case = Case.objects.filter(pk=case_id).first()
    if case is None or case.state != "open":
        raise CaseNotOpen("It does not exist." if case is None else f"It is {case.state}.")
    return case


def _record(case: Case, *, verb: str, by: str, reason: str) -> None:
    audit.record(
        actor=by,
        action=f"case.{verb}",
        aggregate="case",
        aggregate_id=case.pk,
        reason=reason,
        before={"state": "open", "owner": case.owner, "kind": case.kind},
        after={"state": case.state, "verb": verb, "about": str(case.aggregate_id)},
    )
