"""Four eyes: what is above `STAFF_ALONE_MAX` is asked for by one person and done by the word of
another.

    ask      pending, on record; nothing moved
    approve  another person, in time: approved, committed, on record
    then     looked at anew (does the row stand as it did, may the first one still?) and done

What is done carries an id derived from the approval, and every verb is a guarded move: done
again after a crash, it changes nothing. That it was begun is committed first: else its own work
would be taken for somebody else's, and be asked for once more.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User

from foundation import audit, clock
from foundation.errors import DomainError
from foundation.models import Approval, AuditEntry
from foundation.money import Money, exponent
from foundation.rows import insert_unless_there
from foundation.state_machine import IllegalTransition, move
from foundation.states import APPROVAL
from foundation.transactions import durable

_OPERATIONS: Final = uuid.UUID("0c7bb0a8-5f0e-4a0e-9d5b-7a1f6f0f3c55")  # a name space of our own
_REASON_MAX: Final = 500
_BEGUN: Final = "It was begun."
_DONE_BEFORE: Final = "It was done before its process died, and is on record."


class AlreadyAsked(DomainError):
    """The same is asked for already."""

    code, status, title = "approval_already_asked", 409, "This waits for approval already"


class NotYours(DomainError):
    """Only another person, with the permissions for it, may decide."""

    code, status, title = "approval_not_yours", 403, "This is not yours to decide"


class NotPending(DomainError):
    """It was decided, withdrawn, or came too late."""

    code, status, title = "approval_not_pending", 409, "Nothing waits for a decision here"


def on_record(approval: Approval, row_ids: Iterable[uuid.UUID]) -> bool:
    """Whether any of these rows was moved by it: a move and its audit entry commit together."""
    return AuditEntry.objects.filter(
        aggregate_id__in=list(row_ids), at__gte=approval.decided_at,
        actor=approval.asked_by, reason=told_reason(approval),
    ).exists()  # fmt: skip


def _on_record_of_its_row(approval: Approval) -> bool:
    return on_record(approval, [approval.aggregate_id])


@dataclass(frozen=True)
class Verb:
    """`stands(row_id)` is how the row stands now; `do(approval)` → what became of it, in words.

    `do` may be called twice for one approval, and raises the `DomainError` of a refusal;
    `was_done(approval)` tells whether that refuses only because of its own work.
    """

    text: str
    permission: str
    stands: Callable[[uuid.UUID], list[Any]]
    do: Callable[[Approval], str]
    was_done: Callable[[Approval], bool] = _on_record_of_its_row


_VERBS: Final[dict[str, Verb]] = {}


def register(name: str, verb: Verb) -> None:
    """Each is named once, by the pages that offer it."""
    if _VERBS.setdefault(name, verb) is not verb:
        raise ValueError(f"two verbs are named {name!r}")


def verb_of(approval: Approval) -> Verb:
    """What it would do."""
    return _VERBS[approval.verb]


def alone_max(currency: str) -> int:
    """What one person may move alone, in minor units."""
    limits: Mapping[str, int] = settings.STAFF_ALONE_MAX
    return limits[currency] if currency in limits else limits["*"] * 10 ** exponent(currency)


def takes_two(stake: Money | None) -> bool:
    """Whether this much waits for a second person."""
    return stake is not None and stake.amount > alone_max(stake.currency)


def note(stake: Money | None, counted: Money | None = None) -> str:
    """What a question adds when one person is not enough, for this or with what went before."""
    if stake is None or not takes_two(counted or stake):
        return ""
    before = "" if counted in (None, stake) else f", {counted} with what was given up before,"
    return f" {stake}{before} takes two: you ask for it here, and another person approves it."


def told(approval: Approval) -> str:
    """What whoever asked is told."""
    return f"Nothing was moved yet: {approval.reference} waits for another person to approve it."


def operation_id(approval: Approval) -> uuid.UUID:
    """The same however often it is carried out."""
    return uuid.uuid5(_OPERATIONS, str(approval.pk))


def told_reason(approval: Approval) -> str:
    """For the record of the move itself: why, and by whose word."""
    word = f" (approved by {approval.decided_by})"
    return f"{approval.reason[: _REASON_MAX - len(word)]}{word}"


def ask(  # noqa: PLR0913 - a request has this many facts
    verb: str, *, aggregate: str, row_id: uuid.UUID, stake: Money, user: User, by: str, reason: str
) -> Approval:
    """Write down what one person wants; nothing is moved. Raises `AlreadyAsked`."""
    asked = Approval(
        verb=verb, aggregate=aggregate, aggregate_id=row_id, seen=_VERBS[verb].stands(row_id),
        amount=stake.amount, currency=stake.currency, asked_by=by, asked_by_user=user.pk,
        reason=reason,
        expires_at=clock.now() + dt.timedelta(hours=settings.STAFF_REQUEST_HOURS),
    )  # fmt: skip
    with durable():
        for old in Approval.objects.filter(verb=verb, aggregate_id=row_id, state="pending"):
            _expire(old)
        if not insert_unless_there(asked):
            raise AlreadyAsked
        _record(asked, did="ask", by=by, reason=reason, before="")
    return asked


def approve(approval_id: uuid.UUID, *, user: User, by: str, reason: str) -> Approval:
    """Another person agrees: committed, then carried out. Raises `NotYours`, `NotPending`."""
    approval = _decide(approval_id, user=user, by=by, reason=reason, to="approved")
    return carry_out(approval.pk)


def reject(approval_id: uuid.UUID, *, user: User, by: str, reason: str) -> Approval:
    """Another person says no; nothing is moved. Raises `NotYours`, `NotPending`."""
    return _decide(approval_id, user=user, by=by, reason=reason, to="rejected")


def withdraw(approval_id: uuid.UUID, *, user: User, by: str, reason: str) -> Approval:
    """Whoever asked does not want it any more. Raises `NotYours`, `NotPending`."""
    approval = Approval.objects.get(pk=approval_id)
    if approval.asked_by_user != user.pk:
        raise NotYours("Only who asked for it may withdraw it.")
    return _settle(approval, to="withdrawn", by=by, reason=reason)


def finish(approval_id: uuid.UUID, *, user: User, by: str, reason: str) -> Approval:
    """What was approved, and cut off by a crash, is carried out by one who could have decided.

    Raises `NotYours`, `NotPending`.
    """
    _refuse_unless_theirs(Approval.objects.get(pk=approval_id), user)
    return carry_out(approval_id, by=by, reason=reason)


def carry_out(approval_id: uuid.UUID, *, by: str = "", reason: str = "") -> Approval:
    """Do what was approved, if everything still stands as it did. Raises `NotPending`."""
    approval = Approval.objects.get(pk=approval_id)
    if approval.state != "approved":
        raise NotPending(f"It is {approval.state}.")
    by = by or approval.decided_by
    if (outcome := why_not(approval)) and not _is_its_own_work(approval):
        known = {"outcome": approval.outcome}  # else somebody began it while we looked
        return _settle(approval, to="refused", by=by, reason=reason, fence=known, outcome=outcome)
    _begin(approval)
    to, outcome = _done_or_refused(approval)
    return _settle(approval, to=to, by=by, reason=reason, outcome=(outcome or to)[:500])


def _is_its_own_work(approval: Approval) -> bool:
    """Whether it was begun, and its process died over it: what moved since was moved by it."""
    return approval.outcome == _BEGUN and verb_of(approval).was_done(approval)


def _begin(approval: Approval) -> None:
    """Committed before anything is moved, by one: who comes second hears that one is at it."""
    as_known = Approval.objects.filter(pk=approval.pk, state="approved", outcome=approval.outcome)
    if not as_known.update(outcome=_BEGUN):
        raise NotPending("Somebody else carries it out right now.")
    approval.outcome = _BEGUN


def _done_or_refused(approval: Approval) -> tuple[str, str]:
    verb = verb_of(approval)
    try:
        return "done", verb.do(approval)
    except DomainError as refusal:
        if verb.was_done(approval):
            return "done", _DONE_BEFORE
        return "refused", refusal.detail


def why_not(approval: Approval) -> str:
    """Why it can not be done any more; "" when it can."""
    verb = verb_of(approval)
    asker = User.objects.filter(pk=approval.asked_by_user, is_active=True).first()
    if asker is None or not asker.has_perm(verb.permission):
        return f"{approval.asked_by} may not do this any more."
    if verb.stands(approval.aggregate_id) != approval.seen:
        return f"The {approval.aggregate} moved since it was asked for. It must be asked anew."
    return ""


def may_decide(approval: Approval, user: User) -> bool:
    """Whether this is another person, with the permission to decide and for the verb itself."""
    permissions = ("foundation.decide_approval", verb_of(approval).permission)
    return user.pk != approval.asked_by_user and user.has_perms(permissions)


def _refuse_unless_theirs(approval: Approval, user: User) -> None:
    if not may_decide(approval, user):
        raise NotYours("Who asked for it can not approve it, nor who could not do it alone.")


def _decide(approval_id: uuid.UUID, *, user: User, by: str, reason: str, to: str) -> Approval:
    approval = Approval.objects.get(pk=approval_id)
    _refuse_unless_theirs(approval, user)
    if approval.state == "pending" and _expire(approval):
        raise NotPending("It was not decided in time.")
    return _settle(
        approval, to=to, by=by, reason=reason,
        decided_by=by, decided_reason=reason, decided_at=clock.now(),
    )  # fmt: skip


def _settle(approval: Approval, *, to: str, by: str, reason: str, **changes: Any) -> Approval:
    before = approval.state
    try:
        with durable():
            move(approval, table=APPROVAL, to=to, by=by, reason=reason, **changes)
            _record(approval, did=to, by=by, reason=reason or approval.outcome, before=before)
    except IllegalTransition as error:
        raise NotPending("Somebody else was faster, or it is over.") from error
    return approval


def _expire(approval: Approval) -> bool:
    """Whether it is out of time, and therefore over."""
    if approval.expires_at > clock.now():
        return False
    with suppress(IllegalTransition):  # somebody else said so, or decided it, at this moment
        move(approval, table=APPROVAL, to="expired", by="system:approvals", reason="not decided")
    return True


def _record(approval: Approval, *, did: str, by: str, reason: str, before: str) -> None:
    audit.record(
        actor=by,
        action=f"approval.{did}",
        aggregate="approval",
        aggregate_id=approval.pk,
        reason=reason,
        before={"state": before},
        after={
            "state": approval.state, "verb": approval.verb, "about": str(approval.aggregate_id),
            "amount": approval.amount, "currency": approval.currency,
        },
    )  # fmt: skip
