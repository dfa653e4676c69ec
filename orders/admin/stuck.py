"""Checkouts that do not go on: which, why, since when; and taking one up by hand, on record."""

import datetime as dt
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse

from foundation import approvals, audit, clock
from foundation.approvals import Verb
from foundation.desk import confirm, four_eyes
from foundation.desk.confirm import Question
from foundation.desk.four_eyes import Wish
from foundation.desk.sections import Facts, elapsed
from foundation.desk.staff import PageAdmin, when, who
from foundation.errors import DomainError
from foundation.models import Approval, IdempotencyKey
from foundation.money import Money
from foundation.transactions import durable
from orders.checkout import recovery
from orders.models import Checkout

VERB: Final = "Take up"
PERMISSION: Final = "foundation.handle_case"
_NAME: Final = "checkout.resume"
# A dead lease is taken over by the sweep within one beat; some beats missed are a person's matter.
_BEATS_MISSED: Final = 3


class NotStuck(DomainError):
    """Somebody is at work on it, or it has ended."""

    code, status, title = "checkout_not_stuck", 409, "This checkout is not stuck"


def stuck_since() -> dt.datetime:
    """A lease that died before this should have been taken over."""
    return clock.now() - dt.timedelta(seconds=_BEATS_MISSED * settings.SWEEP_SECONDS)


def _keys(**which: Any) -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(state="in_progress", **which)


class UnendedFilter(admin.SimpleListFilter):
    """Checkouts that have not ended; of them, those that nobody came for."""

    title = "has it ended"
    parameter_name = "unended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """Two choices besides all."""
        return [("yes", "not ended"), ("stuck", "stuck")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """By their open key, which is indexed."""
        is_stuck = {"leased_until__lt": stuck_since()} if self.value() == "stuck" else {}
        if self.value() not in ("yes", "stuck"):
            return queryset
        return queryset.filter(Exists(_keys(subject_id=OuterRef("pk"), **is_stuck)))


def why(row: Checkout) -> list[tuple[str, Any]]:
    """For its page: who is at work on it, or since when nobody is. Empty when it has ended."""
    key = _keys(subject_id=row.pk).order_by("-leased_until").first()
    if key is None:
        return []
    if key.crashes >= settings.CRASHES_MAX:
        return [("Now", f"parked: {key.crashes} runners died on it in a row; its case says what may"
                        " be done")]  # fmt: skip
    late = (clock.now() - key.leased_until).total_seconds()
    if late < 0:
        words = "waits" if key.is_paused else "somebody is at work on it"
        return [("Now", f"{words} until {when(key.leased_until)}")]
    since = f"since {when(key.leased_until)} ({elapsed(late).removeprefix('+')})"
    return [("Now", f"nobody is at work on it {since}"), ("Runners that died on it", key.crashes)]


def is_stuck(row: Checkout) -> bool:
    """Whether nobody is at work on it, and the sweep did not come."""
    return _keys(subject_id=row.pk, leased_until__lt=stuck_since()).exists()


def may_take_up(request: HttpRequest) -> bool:
    """Whether this person has the permission."""
    return request.user.has_perm(PERMISSION)


def answer(page: PageAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """The page that asks, or the checkout run from where it stands."""
    if not may_take_up(request):
        raise PermissionDenied
    row: Checkout | None = page.found(request, object_id)
    if row is None:
        return page.missing(request, object_id)
    ended = "It has ended, or somebody is at work on it."
    return confirm.once(
        request,
        page.page_context(request, row),
        _question(row),
        seen=_stands(row.pk),
        why_not="" if is_stuck(row) else ended,
        do=partial(_take_up, request, row),
    )


def _tokens(row: Checkout) -> list[int]:
    return list(_keys(subject_id=row.pk).order_by("pk").values_list("lease_token", flat=True))


def _question(row: Checkout) -> Question:
    facts = [
        ("Checkout", row.reference),
        ("Total", Money(row.total_amount, row.currency)),
        ("State", row.state),
        ("Came as far as", row.recovery_point),
        *why(row),
    ]
    consequence = (
        "It is run from where it stands: the processor is asked what it knows before anything is"
        " sent again. In time it goes forward, else what is held is released."
    )
    follows = f"{consequence}{_wish(row).note}"
    return Question(VERB, f"Take up {row.reference}?", Facts("", facts), follows)


def _take_up(request: HttpRequest, row: Checkout, given: Mapping[str, Any]) -> None:
    reason = given["reason"]
    now = partial(_take_up_now, request, row, reason)
    four_eyes.alone_or_asked(request, _wish(row), reason=reason, do=now)


def _take_up_now(request: HttpRequest, row: Checkout, reason: str) -> None:
    messages.success(request, _resumed(row, by=who(request), reason=reason))


def _resumed(row: Checkout, *, by: str, reason: str) -> str:
    """What became of it. Raises `NotStuck` when somebody is at work on it."""
    with durable():
        audit.record(
            actor=by, action="checkout.resume", aggregate="checkout",
            aggregate_id=row.pk, reason=reason,
            before={"state": row.state, "recovery_point": row.recovery_point}, after={},
        )  # fmt: skip
    if not recovery.resume(row.pk):
        raise NotStuck("Somebody is at work on it right now.")
    row.refresh_from_db()
    return f"It is {row.state.replace('_', ' ')} now."


def _wish(row: Checkout) -> Wish:
    return Wish(_NAME, "checkout", row.pk, Money(row.total_amount, row.currency))


def _stands(checkout_id: uuid.UUID) -> list[Any]:
    row = Checkout.objects.get(pk=checkout_id)
    return [str(row.pk), row.state, _tokens(row)]


def _approved(approval: Approval) -> str:
    row = Checkout.objects.get(pk=approval.aggregate_id)
    return _resumed(row, by=approval.asked_by, reason=approvals.told_reason(approval))


def _was_done(approval: Approval) -> bool:
    """It is on record before it is begun: only what ended has been taken up."""
    is_open = _keys(subject_id=approval.aggregate_id).exists()
    return not is_open and approvals.on_record(approval, [approval.aggregate_id])


approvals.register(_NAME, Verb("Take up the checkout", PERMISSION, _stands, _approved, _was_done))
