"""The desk: open cases, overdue first, each with what is at stake and what may be done about it."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from foundation import audit, cases, clock
from foundation.desk import case_approvals, confirm, four_eyes
from foundation.desk.confirm import Question
from foundation.desk.sections import Facts, Table, elapsed
from foundation.desk.staff import PageAdmin, badge, choice_filter, link, page_of, stamp, when, who
from foundation.models import AuditEntry, Case
from foundation.money import Money
from foundation.states import CASE

_OWN_VERBS: Final[Mapping[str, str]] = {
    "take": "You look after it from now on; the list shows your name.",
    "close": "Nothing more is done about it by itself, and it does not come back unless something"
    " else is at stake. Your reason stays on record.",
}


class OverdueFilter(admin.SimpleListFilter):
    """Open cases whose deadline has passed."""

    title = "is it overdue"
    parameter_name = "overdue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """One choice besides all."""
        return [("yes", "yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The same condition as the badge's."""
        is_late = Q(state="open", due_at__lt=clock.now())
        return queryset.filter(is_late) if self.value() == "yes" else queryset


@admin.register(Case)
class CaseAdmin(PageAdmin):
    """What waits for a person."""

    list_display = ("title", "state_badge", "stake", "owner", "age", "due", "tries")
    list_filter = (
        choice_filter("state", sorted(CASE.states), title="state"),
        OverdueFilter,
        choice_filter("kind", sorted(settings.CASE_KINDS), title="kind"),
    )
    search_help_text = "The id of what it is about (chk_…, ord_…, pay_…), its owner, or the title."
    by_reference: ClassVar = {"*": "aggregate_id"}
    by_text = ("owner", "title__icontains")

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:  # noqa: ARG002
        """Open ones first, the most urgent on top; then what ended, the newest first."""
        return (F("ended_at").desc(nulls_first=True), "due_at")

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: Case) -> str:
        """The state, colored; an open case past its deadline says so."""
        return badge("overdue" if _is_late(row) else row.state)

    @admin.display(description="at stake", ordering="amount")
    def stake(self, row: Case) -> str:
        """The money, or a dash when it is none."""
        return "—" if row.amount is None else str(Money(row.amount, row.currency))

    @admin.display(description="age", ordering="opened_at")
    def age(self, row: Case) -> str:
        """Since it was opened, until now or its end."""
        until = row.ended_at or clock.now()
        return elapsed((until - row.opened_at).total_seconds()).removeprefix("+")

    @admin.display(description="due (UTC)", ordering="due_at")
    def due(self, row: Case) -> str:
        """By when somebody should have looked."""
        return stamp(row.due_at)

    def sections(self, row: Case) -> list[Any]:
        """What is wrong, what is at stake, whose it is, and what people did about it."""
        about = link(page_of(row.aggregate, row.aggregate_id), f"the {row.aggregate}")
        return [
            Facts(
                "Case",
                [
                    ("About", about),
                    ("What is wrong", row.title),
                    ("Detail", row.detail),
                    ("At stake", self.stake(row)),
                    ("Kind", row.kind.replace("_", " ")),
                    ("Met", f"{row.tries} times, last {when(row.seen_at)}"),
                ],
            ),
            Facts(
                "Desk",
                [
                    ("State", self.state_badge(row)),
                    ("Owner", row.owner),
                    ("Opened", when(row.opened_at)),
                    ("Due", when(row.due_at)),
                    ("Ended", when(row.ended_at)),
                    ("By", row.ended_by),
                    ("Because", row.ended_reason),
                ],
            ),
            _what_people_did(row),
        ]

    def buttons(self, request: HttpRequest, row: Case) -> list[tuple[str, str]]:
        """The verbs of its kind, for those who may, while it is open."""
        if row.state != "open":
            return []
        may = [verb for verb in _verbs(row) if _may(request, row, verb)]
        return [(f"{verb.capitalize()}…", _address(row, verb)) for verb in may]

    def get_urls(self) -> list[URLPattern]:
        """Verbs stand on addresses of their own: Django's form views hold a transaction."""
        view = self.admin_site.admin_view(self.act_view)
        route = path("<str:object_id>/act/<str:verb>/", view, name="foundation_case_act")
        return [route, *super().get_urls()]

    def act_view(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        """GET asks, POST does it and says what became of it."""
        if not request.user.has_perm(case_approvals.HANDLE):
            raise PermissionDenied
        row: Case | None = self.found(request, object_id)
        if row is None:
            return self.missing(request, object_id)
        if not _may(request, row, verb):
            raise PermissionDenied
        can_be_done = row.state == "open" and verb in _verbs(row)
        return confirm.once(
            request,
            self.page_context(request, row),
            self._question(row, verb),
            seen=[str(row.pk), row.state, row.owner, audit.count(row.pk)],
            why_not="" if can_be_done else f"The case is {row.state}.",
            do=partial(_do, request, row, verb),
        )

    def _question(self, row: Case, verb: str) -> Question:
        facts = [
            ("What is wrong", row.title),
            ("At stake", self.stake(row)),
            ("Owner", row.owner),
            ("Due", when(row.due_at)),
        ]
        follows = f"{_verbs(row).get(verb, '')}{case_approvals.wish(row, verb).note}"
        return Question(verb.capitalize(), row.title, Facts("", facts), follows)


def _may(request: HttpRequest, row: Case, verb: str) -> bool:
    permissions = (case_approvals.HANDLE, case_approvals.permission(row, verb))
    return request.user.has_perms(permissions)


def _is_late(row: Case) -> bool:
    return row.state == "open" and row.due_at < clock.now()


def _verbs(row: Case) -> dict[str, str]:
    """Verb → what follows from it."""
    own = cases.kind_of(row.kind).verbs
    return {name: verb.consequence for name, verb in own.items()} | dict(_OWN_VERBS)


def _address(row: Case, verb: str) -> str:
    return reverse("admin:foundation_case_act", args=[row.pk, verb])


def _do(request: HttpRequest, row: Case, verb: str, given: Mapping[str, Any]) -> None:
    wish, reason = case_approvals.wish(row, verb), given["reason"]
    now = partial(_do_now, request, row, verb, reason)
    four_eyes.alone_or_asked(request, wish, reason=reason, do=now)


def _do_now(request: HttpRequest, row: Case, verb: str, reason: str) -> None:
    by = who(request)
    if verb == "take":
        cases.take(row.pk, by=by, reason=reason)
        told = "It is yours."
    elif verb == case_approvals.CLOSE:
        cases.close(row.pk, by=by, reason=reason)
        told = "Closed."
    else:
        told = cases.act(row.pk, verb=verb, by=by, reason=reason)
    row.refresh_from_db(fields=["state"])
    tell = messages.warning if row.state == "open" and verb != "take" else messages.success
    tell(request, told)


def _what_people_did(row: Case) -> Table:
    entries = AuditEntry.objects.filter(aggregate_id=row.pk).order_by("at")
    did: list[tuple[str | SafeString, ...]] = [
        (
            when(entry.at),
            entry.actor,
            entry.action.removeprefix("case."),
            format_html("“{}”", entry.reason),
        )
        for entry in entries
    ]
    return Table("What people did", ("When", "Who", "Did", "Because"), did)
