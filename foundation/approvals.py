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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User

from foundation import audit, clock
from foundation.errors import DomainError
from foundation.models import Approval
from foundation.money import Money, exponent
from foundation.rows import insert_unless_there
from foundation.state_machine import IllegalTransition, move
from foundation.states import APPROVAL
from foundation.transactions import durable

_OPERATIONS: Final = uuid.UUID("0c7bb0a8-5f0e-4a0e-9d5b-7a1f6f0f3c55")  # a name space of our own
_NOTE_MAX: Final = 420
_BEGUN: Final = "It was begun."


class AlreadyAsked(DomainError):
    """The same is asked for already."""

    code, status, title = "approval_already_asked", 409, "This waits for approval already"


class NotYours(DomainError):
    """Only another person, with the permissions for it, may decide."""

    code, status, title = "approval_not_yours", 403, "This is not yours to decide"


class NotPending(DomainError):
    """It was decided, withdrawn, or came too late."""

    code, status, title = "approval_not_pending", 409, "Nothing waits for a decision here"


@dataclass(frozen=True)
class Verb:
    """`stands(row_id)` is how the row stands now; `do(approval)` → what became of it, in words.

    `do` may be called twice for one approval, and raises the `DomainError` of a refusal.
    """

    text: str
    permission: str
    stands: Callable[[uuid.UUID], list[Any]]
    do: Callable[[Approval], str]


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


def note(stake: Money | None) -> str:
    """What a question adds when one person is not enough."""
    if not takes_two(stake):
        return ""
    return f" {stake} takes two: you ask for it here, and another person approves it."


def told(approval: Approval) -> str:
    """What whoever asked is told."""
    return f"Nothing was moved yet: {approval.reference} waits for another person to approve it."


def operation_id(approval: Approval) -> uuid.UUID:
    """The same however often it is carried out."""
    return uuid.uuid5(_OPERATIONS, str(approval.pk))


def told_reason(approval: Approval) -> str:
    """For the record of the move itself: why, and by whose word."""
    return f"{approval.reason[:_NOTE_MAX]} (approved by {approval.decided_by})"[:500]


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


def carry_out(approval_id: uuid.UUID) -> Approval:
    """Do what was approved, if everything still stands as it did. Raises `NotPending`."""
    approval = Approval.objects.get(pk=approval_id)
    if approval.state != "approved":
        raise NotPending(f"It is {approval.state}.")
    has_begun = approval.outcome == _BEGUN  # and its process died: what moved may be its own work
    outcome, to = "" if has_begun else why_not(approval), "refused"
    if not outcome:
        Approval.objects.filter(pk=approval.pk, state="approved").update(outcome=_BEGUN)
        try:
            outcome, to = verb_of(approval).do(approval), "done"
        except DomainError as refusal:
            outcome = refusal.detail
    return _settle(approval, to=to, by=approval.decided_by, reason="", outcome=outcome[:500])


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


def _decide(approval_id: uuid.UUID, *, user: User, by: str, reason: str, to: str) -> Approval:
    approval = Approval.objects.get(pk=approval_id)
    if not may_decide(approval, user):
        raise NotYours("Who asked for it can not approve it, nor who could not do it alone.")
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
