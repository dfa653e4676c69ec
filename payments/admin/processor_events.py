"""Staff see what the processor told us and what came of it; a given-up one may be tried again."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from foundation.desk import confirm
from foundation.desk.confirm import Question
from foundation.desk.sections import Facts, Timeline
from foundation.desk.staff import (
    PageAdmin,
    action_url,
    badge,
    choice_filter,
    link,
    page_of,
    stamp,
    when,
    who,
)
from payments.admin.about import moves_of
from payments.models import ProcessorEvent
from payments.services.retry_event import NotDead, retry
from payments.states import PROCESSOR_EVENT

VERB: Final = "Try again"


@admin.register(ProcessorEvent)
class ProcessorEventAdmin(PageAdmin):
    """Messages of the processor: which came, what they speak of, how far we are with them."""

    list_display = (
        "type", "state_badge", "object_id", "payment_link", "received", "attempts", "due",
        "outcome",
    )  # fmt: skip
    list_filter = (
        choice_filter("state", sorted(PROCESSOR_EVENT.states), title="state"),
        choice_filter("arrival", ProcessorEvent.Arrival.values, title="arrival"),
        choice_filter("kind", ("payment", "refund", "dispute", "payout", "other"), title="about"),
        "received_at",
    )
    list_select_related = ("payment",)
    page_related = ("payment",)
    search_help_text = "The event's id (evt_…), its object's (pi_…, re_…), or the payment (pay_…)."
    by_reference: ClassVar = {"pay": "payment"}
    by_text = ("external_id", "object_id", "processor_reference")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProcessorEvent]:
        """Without the body, which is kept as it came and shown nowhere."""
        rows: QuerySet[ProcessorEvent] = super().get_queryset(request)
        return rows.defer("body")

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: ProcessorEvent) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="payment")
    def payment_link(self, row: ProcessorEvent) -> str:
        """The payment it speaks of, once it is known."""
        return _payment(row)

    @admin.display(description="received (UTC)", ordering="received_at")
    def received(self, row: ProcessorEvent) -> str:
        """When it came."""
        return stamp(row.received_at)

    @admin.display(description="due (UTC)", ordering="due_at")
    def due(self, row: ProcessorEvent) -> str:
        """When it is worked on next, while it is open."""
        return "—" if row.ended_at else stamp(row.due_at)

    def sections(self, row: ProcessorEvent) -> list[Any]:
        """What it says, and what was done about it."""
        return [Facts("Event", _told(row)), Facts("Work", _work(row)), Timeline(moves_of(row))]

    def buttons(self, request: HttpRequest, row: ProcessorEvent) -> list[tuple[str, str]]:
        """Try again, for those who may, when it was given up."""
        if row.state != "dead" or not _may_retry(request):
            return []
        return [(f"{VERB}…", action_url(self, "retry", row))]

    def get_urls(self) -> list[URLPattern]:
        """An address of its own: Django's form views wrap theirs in a transaction."""
        view = self.admin_site.admin_view(self.retry_view)
        name = "payments_processorevent_retry"
        return [path("<str:object_id>/retry/", view, name=name), *super().get_urls()]

    def retry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET asks, POST has it worked on and says so."""
        if not _may_retry(request):
            raise PermissionDenied
        row = self.found(request, object_id)
        if row is None:
            return self.missing(request, object_id)
        return confirm.once(
            request,
            self.page_context(request, row),
            _question(row),
            seen=[str(row.pk), row.state, row.attempts],
            why_not="" if row.state == "dead" else f"It is {row.state} by now.",
            do=partial(_retry, request, row),
        )


def _payment(row: ProcessorEvent) -> str:
    if row.payment is None:
        return ""
    return link(page_of("payment", row.payment.pk), row.payment.reference)


def _told(row: ProcessorEvent) -> list[tuple[str, Any]]:
    return [
        ("Type", row.type),
        ("Id", f"{row.processor} {row.external_id}"),
        ("About", f"{row.kind} {row.object_id}"),
        ("Payment at the processor", row.processor_reference),
        ("Our reference in it", row.reference),
        ("Happened", when(row.happened_at)),
        ("Received", f"{when(row.received_at)} ({row.get_arrival_display()})"),
    ]


def _work(row: ProcessorEvent) -> list[tuple[str, Any]]:
    return [
        ("State", badge(row.state)),
        ("Payment", _payment(row)),
        ("Attempts", row.attempts),
        ("Due", "" if row.ended_at else when(row.due_at)),
        ("Ended", when(row.ended_at)),
        ("Outcome", row.outcome),
        ("Last obstacle", row.last_error),
    ]


def _may_retry(request: HttpRequest) -> bool:
    return request.user.has_perm("payments.retry_processorevent")


def _question(row: ProcessorEvent) -> Question:
    return Question(
        verb=VERB,
        text=f"Try {row.external_id} again?",
        facts=Facts("Event", [*_told(row), ("Outcome", row.outcome)]),
        consequence=(
            "The processor is asked about what the event speaks of, and our rows follow its answer."
            " Nothing is taken from the event itself. If it fails again, it is given up again."
        ),
    )


def _retry(request: HttpRequest, row: ProcessorEvent, given: Mapping[str, Any]) -> None:
    try:
        retry(row.pk, by=who(request), reason=given["reason"])
        messages.success(request, "It is being tried again. Reload to see what came of it.")
    except NotDead as refusal:
        messages.error(request, f"Nothing was done. {refusal.detail}")
