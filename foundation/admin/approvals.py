"""What waits for a second person: who asks for what, how much, and the two buttons."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from foundation import approvals, clock
from foundation.desk import confirm
from foundation.desk.confirm import Question
from foundation.desk.sections import Facts
from foundation.desk.staff import (
    PageAdmin,
    badge,
    choice_filter,
    link,
    page_of,
    person,
    stamp,
    when,
    who,
)
from foundation.errors import DomainError
from foundation.models import Approval
from foundation.money import Money
from foundation.states import APPROVAL

_CONSEQUENCES: Final[Mapping[str, str]] = {
    "approve": "It is done at once, in the name of who asked, with your name beside it.",
    "reject": "Nothing is done. Your reason stays on record.",
    "withdraw": "Nothing is done, and nobody is asked any more.",
    "finish": "It was approved, and the process died over it. What is left of it is done now.",
}


@admin.register(Approval)
class ApprovalAdmin(PageAdmin):
    """Asked for by one person, to be decided by another."""

    list_display = ("named", "state_badge", "money", "about", "asked_by", "asked", "expires")
    list_filter = (choice_filter("state", sorted(APPROVAL.states), title="state"), "asked_at")
    search_help_text = "apr_…, the id of what it is about (ord_…, pay_…), or who asked."
    by_reference: ClassVar = {"apr": "pk", "*": "aggregate_id"}
    by_text = ("asked_by", "decided_by")

    @admin.display(description="asked for", ordering="verb")
    def named(self, row: Approval) -> str:
        """The verb, in words."""
        return approvals.verb_of(row).text

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: Approval) -> str:
        """The state, colored; a pending one past its time says so."""
        is_late = row.state == "pending" and row.expires_at <= clock.now()
        return badge("expired" if is_late else row.state)

    @admin.display(description="amount", ordering="amount")
    def money(self, row: Approval) -> Money:
        """What would be moved."""
        return Money(row.amount, row.currency)

    @admin.display(description="about")
    def about(self, row: Approval) -> str:
        """A link to the row."""
        return link(page_of(row.aggregate, row.aggregate_id), f"the {row.aggregate}")

    @admin.display(description="asked (UTC)", ordering="asked_at")
    def asked(self, row: Approval) -> str:
        """When it was asked for."""
        return stamp(row.asked_at)

    @admin.display(description="expires (UTC)", ordering="expires_at")
    def expires(self, row: Approval) -> str:
        """Until when it can be decided."""
        return stamp(row.expires_at)

    def sections(self, row: Approval) -> list[Any]:
        """What was asked, and what was decided."""
        decided = [
            ("State", self.state_badge(row)),
            ("Decided by", row.decided_by),
            ("Because", row.decided_reason),
            ("Decided", when(row.decided_at)),
            ("What became of it", row.outcome),
        ]
        return [Facts("Asked for", self._facts(row)), Facts("Decided", decided)]

    def _facts(self, row: Approval) -> list[tuple[str, Any]]:
        return [
            ("What", self.named(row)),
            ("Amount", self.money(row)),
            ("About", self.about(row)),
            ("By", row.asked_by),
            ("Because", row.reason),
            ("Asked", when(row.asked_at)),
            ("Expires", when(row.expires_at)),
        ]

    def buttons(self, request: HttpRequest, row: Approval) -> list[tuple[str, str]]:
        """What this person may say to it now."""
        return [(f"{verb.capitalize()}…", _address(row, verb)) for verb in _open_to(request, row)]

    def get_urls(self) -> list[URLPattern]:
        """Decisions stand on addresses of their own: Django's form views hold a transaction."""
        view = self.admin_site.admin_view(self.act_view)
        route = path("<str:object_id>/act/<str:verb>/", view, name="foundation_approval_act")
        return [route, *super().get_urls()]

    def act_view(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        """GET asks, POST decides and says what became of it."""
        row: Approval | None = self.found(request, object_id)
        if row is None:
            return self.missing(request, object_id)
        if verb not in _CONSEQUENCES or not _is_theirs(request, row, verb):
            raise PermissionDenied
        return confirm.once(
            request,
            self.page_context(request, row),
            self._question(row, verb),
            seen=[str(row.pk), row.state],
            why_not="" if verb in _open_to(request, row) else f"It is {row.state}.",
            do=partial(_do, request, row, verb),
        )

    def _question(self, row: Approval, verb: str) -> Question:
        text = f"{verb.capitalize()}: {self.named(row)}, {self.money(row)}?"
        why_not = approvals.why_not(row) if verb == "approve" else ""
        consequence = f"{_CONSEQUENCES[verb]} {why_not}".strip()
        return Question(verb.capitalize(), text, Facts("", self._facts(row)), consequence)


def _is_theirs(request: HttpRequest, row: Approval, verb: str) -> bool:
    if verb == "withdraw":
        return bool(request.user.pk == row.asked_by_user)
    return approvals.may_decide(row, person(request))


def _open_to(request: HttpRequest, row: Approval) -> list[str]:
    by_state = {"pending": ("approve", "reject", "withdraw"), "approved": ("finish",)}
    return [verb for verb in by_state.get(row.state, ()) if _is_theirs(request, row, verb)]


def _address(row: Approval, verb: str) -> str:
    return reverse("admin:foundation_approval_act", args=[row.pk, verb])


_DEEDS: Final[Mapping[str, Callable[..., Approval]]] = {
    "approve": approvals.approve,
    "reject": approvals.reject,
    "withdraw": approvals.withdraw,
    "finish": approvals.finish,
}


def _do(request: HttpRequest, row: Approval, verb: str, given: Mapping[str, Any]) -> None:
    try:
        after = _DEEDS[verb](row.pk, user=person(request), by=who(request), reason=given["reason"])
    except DomainError as refusal:
        messages.error(request, f"Nothing was done. {refusal.detail}")
        return
    tell = messages.error if after.state == "refused" else messages.success
    tell(request, f"It is {after.state}. {after.outcome}".strip())
