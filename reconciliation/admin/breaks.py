"""The queue of breaks, the most urgent first; a break's page has both sides next to each other."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from foundation import audit, clock
from foundation.desk import confirm
from foundation.desk.confirm import Question
from foundation.desk.sections import Facts, Table, elapsed, text_of
from foundation.desk.staff import PageAdmin, badge, choice_filter, link, page_of, when, who
from foundation.errors import DomainError
from foundation.ids import public
from foundation.models import AuditEntry
from foundation.money import Money
from reconciliation import handling
from reconciliation.admin import exporting, matching, overview
from reconciliation.admin.meanings import MEANINGS
from reconciliation.models import ReconciliationBreak
from reconciliation.states import BREAK, UNSETTLED

_HANDLE: Final = "reconciliation.handle_break"
_WRITE_OFF: Final = "reconciliation.write_off_break"
# verb → (permission, states in which it stands open, what follows from it, who does it)
_VERBS: Final[Mapping[str, tuple[str, tuple[str, ...], str, Callable[..., Any]]]] = {
    "take": (
        _HANDLE, UNSETTLED, "You look after it from now on. Repairs leave it to you.",
        lambda pk, by, reason: handling.take(pk, by=by, reason=reason),
    ),
    "comment": (
        _HANDLE, tuple(sorted(BREAK.states)), "What you say stands on its page, with your name.",
        lambda pk, by, reason: handling.comment(pk, by=by, text=reason),
    ),
    "resolve": (
        _HANDLE, UNSETTLED, "Somebody saw to it. A run that meets it again reopens it.",
        lambda pk, by, reason: handling.resolve(pk, by=by, reason=reason),
    ),
    "write off": (
        _WRITE_OFF, UNSETTLED,
        "The money is given up. From an amount on it takes two: one who took it, and another.",
        lambda pk, by, reason: handling.write_off(pk, by=by, reason=reason),
    ),
    "reopen": (
        _HANDLE, ("auto_resolved", "resolved", "written_off"), "It asks for somebody again.",
        lambda pk, by, reason: handling.reopen(pk, by=by, reason=reason),
    ),
}  # fmt: skip


@admin.register(ReconciliationBreak)
class BreakAdmin(PageAdmin):
    """Where two books differ."""

    change_list_template = "reconciliation/admin/break_list.html"
    list_display = ("named", "state_badge", "at_stake", "age", "severity", "owner", "account")
    list_filter = (
        choice_filter("state", sorted(BREAK.states), title="state"),
        choice_filter("kind", ReconciliationBreak.Kind.values, title="class"),
        choice_filter("account", sorted(settings.RECONCILIATION_ACCOUNTS), title="account"),
    )
    search_help_text = "brk_…, pay_…, the processor's id of the payment, or who took it."
    by_reference: ClassVar = {"brk": "pk", "pay": "payment_id"}
    by_text = ("processor_reference", "assignee")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReconciliationBreak]:
        """With how urgent each is: the money, times how long it has been at risk."""
        rows = ReconciliationBreak.objects.with_severity()
        return rows.order_by(*self.get_ordering(request))

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:  # noqa: ARG002
        """Unsettled ones first, the most urgent on top; then what was settled, the newest first."""
        return (F("settled_at").desc(nulls_first=True), "-severe")

    @admin.display(description="break", ordering="kind")
    def named(self, row: ReconciliationBreak) -> str:
        """Its class, in words."""
        return row.kind.replace("_", " ")

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: ReconciliationBreak) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="at risk", ordering="amount")
    def at_stake(self, row: ReconciliationBreak) -> Money:
        """The money."""
        return Money(row.amount, row.currency)

    @admin.display(description="age", ordering="began_at")
    def age(self, row: ReconciliationBreak) -> str:
        """Since it happened, until now or until it was settled."""
        until = row.settled_at or clock.now()
        return elapsed((until - row.began_at).total_seconds()).removeprefix("+")

    @admin.display(description="severity", ordering="severe")
    def severity(self, row: ReconciliationBreak) -> str:
        """Money times days."""
        return f"{row.severity:,}"

    @admin.display(description="taken by", ordering="assignee")
    def owner(self, row: ReconciliationBreak) -> str:
        """Who looks after it."""
        return row.assignee or "—"

    def sections(self, row: ReconciliationBreak) -> list[Any]:
        """Our books and theirs, what it is about, and what people did."""
        return [
            Facts("Our books", _side(row.ours, row.currency)),
            Facts("The processor's", _side(row.theirs, row.currency)),
            Facts("Break", self._facts(row), note=MEANINGS.get(row.kind, "")),
            _what_people_did(row),
        ]

    def _facts(self, row: ReconciliationBreak) -> list[tuple[str, Any]]:
        payment = ""
        if row.payment_id is not None:
            payment = link(page_of("payment", row.payment_id), public("pay", row.payment_id))
        return [
            ("Class", self.named(row)),
            ("Account", row.account),
            ("At risk", self.at_stake(row)),
            ("Severity, money times days", self.severity(row)),
            ("Payment", payment),
            ("Processor's id", row.processor_reference),
            ("Its lines", _lines(row)),
            ("Order", _order(row)),
            ("Happened", when(row.began_at)),
            ("First seen", when(row.first_seen_at)),
            ("Last seen", when(row.last_seen_at)),
            ("Taken by", row.assignee),
            ("Settled", when(row.settled_at)),
            ("Because", row.settled_reason),
        ]

    def buttons(self, request: HttpRequest, row: ReconciliationBreak) -> list[tuple[str, str]]:
        """What this person may do with it now."""
        return [
            (f"{verb.capitalize()}…", _address(row, verb))
            for verb, (permission, states, _, _) in _VERBS.items()
            if row.state in states and request.user.has_perm(permission)
        ] + matching.buttons(request, row)

    def get_urls(self) -> list[URLPattern]:
        """The overview and the export stand beside the list, verbs on addresses of their own."""
        wrap, name = self.admin_site.admin_view, "reconciliation_reconciliationbreak"
        return [
            path("overview/", wrap(self.overview_view), name=f"{name}_overview"),
            path("export/", wrap(self.export_view), name=f"{name}_export"),
            path("<str:object_id>/match/", wrap(self.match_view), name=f"{name}_match"),
            path("<str:object_id>/unmatch/", wrap(self.unmatch_view), name=f"{name}_unmatch"),
            path("<str:object_id>/act/<str:verb>/", wrap(self.act_view), name=f"{name}_act"),
            *super().get_urls(),
        ]

    def overview_view(self, request: HttpRequest) -> HttpResponse:
        """How much matches, and what does not, day by day."""
        return overview.page(self, request)

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """What the list shows, as CSV."""
        if request.method != "GET" or not self.has_view_permission(request):
            raise PermissionDenied
        try:
            shown = self.get_changelist_instance(request)
        except IncorrectLookupParameters as garbage:
            raise BadRequest("There is no such list.") from garbage
        return exporting.csv_of(shown.get_queryset(request))

    def match_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What no id connects, said by a person."""
        return matching.match(self, request, object_id)

    def unmatch_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """And taken back."""
        return matching.unmatch(self, request, object_id)

    def act_view(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        """GET asks, POST does it and says what became of it."""
        verb = verb.replace("_", " ")
        permission, states, consequence, do = _VERBS.get(verb, ("", (), "", None))
        if do is None or not request.user.has_perm(permission):
            raise PermissionDenied
        row: ReconciliationBreak | None = self.found(request, object_id)
        if row is None:
            return self.missing(request, object_id)
        is_open = row.state in states
        return confirm.once(
            request,
            self.page_context(request, row),
            self._question(row, verb, consequence),
            seen=_seen(row),
            why_not="" if is_open else f"It is {row.state.replace('_', ' ')}.",
            do=partial(_do, request, row, do),
        )

    def _question(self, row: ReconciliationBreak, verb: str, consequence: str) -> Question:
        facts = [
            ("At risk", self.at_stake(row)),
            ("Age", self.age(row)),
            ("Taken by", row.assignee),
        ]
        return Question(verb.capitalize(), self.named(row), Facts("", facts), consequence)


def _lines(row: ReconciliationBreak) -> str:
    """What the processor's reports tell of it."""
    lines = reverse("admin:reconciliation_settlementline_changelist")
    query = urlencode({"q": row.processor_reference})
    return link(f"{lines}?{query}", "in its reports") if row.processor_reference else ""


def _order(row: ReconciliationBreak) -> str:
    """A link that finds it: the books know an order by its number only."""
    number = f"R{row.order_number}"
    return link(f"{reverse('admin_find')}?q={number}", number) if row.order_number else ""


def _address(row: ReconciliationBreak, verb: str) -> str:
    name = "admin:reconciliation_reconciliationbreak_act"
    return reverse(name, args=[row.pk, verb.replace(" ", "_")])


def _seen(row: ReconciliationBreak) -> list[Any]:
    """Also what was said of it meanwhile: a comment sent twice is one."""
    return [str(row.pk), row.state, row.assignee, row.amount, row.currency, audit.count(row.pk)]


def _do(
    request: HttpRequest, row: ReconciliationBreak, do: Callable[..., Any], given: Mapping[str, Any]
) -> None:
    try:
        done = do(row.pk, who(request), given["reason"])
    except DomainError as refusal:
        messages.error(request, f"Nothing was done. {refusal.detail}")
        return
    messages.success(request, f"It is {done.state.replace('_', ' ')}.")


_AMOUNTS: Final = ("captured", "refunded", "disputed", "fee", "kept", "gross", "payout", "lines")


def _side(shown: Any, currency: str) -> list[tuple[str, Any]]:
    """Amounts as money, the rest as it is."""
    if isinstance(shown, list):
        return [(f"{nth}.", text_of(each)) for nth, each in enumerate(shown, 1)]
    return [
        (
            name.replace("_", " "),
            Money(value, currency) if name in _AMOUNTS and isinstance(value, int) else value,
        )
        for name, value in shown.items()
    ] or [("Shown", "nothing")]


def _what_people_did(row: ReconciliationBreak) -> Table:
    entries = AuditEntry.objects.filter(aggregate_id=row.pk).order_by("at", "pk")
    return Table(
        "What was done about it",
        ("When", "Who", "Did", "Because"),
        [
            (
                when(entry.at),
                entry.actor,
                entry.action.removeprefix("break.").replace("_", " "),
                format_html("“{}”", entry.reason),
            )
            for entry in entries
        ],
    )
