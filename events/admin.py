"""Staff see what was told, what still waits to be told, and why; what was given up may be tried."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html

from events import webhook_pages
from events.catalogue import CATALOGUE
from events.models import OutboxEvent
from events.relay import revive
from foundation import audit, clock
from foundation.desk import confirm
from foundation.desk.confirm import Question
from foundation.desk.sections import Facts, elapsed, text_of
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
from foundation.transactions import durable

VERB: Final = "Try again"
PERMISSION: Final = "foundation.handle_case"
_OPEN: Final = ("pending", "leased", "retrying")

__all__ = ["webhook_pages"]  # importing the module registers its pages


@admin.register(OutboxEvent)
class OutboxEventAdmin(PageAdmin):
    """The outbox: one row a fact, and how far the relay got with it."""

    list_display = (
        "type", "state_badge", "story", "sequence", "created", "waits", "attempts", "sent",
        "last_error",
    )  # fmt: skip
    list_filter = (
        choice_filter("state", OutboxEvent.State.values, title="state"),
        choice_filter("type", sorted(CATALOGUE), title="type"),
        "created_at",
    )
    search_help_text = "The event's id (evt_…), or the id of its story (chk_…)."
    by_reference: ClassVar = {"evt": "pk", "*": "stream"}

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: OutboxEvent) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="story")
    def story(self, row: OutboxEvent) -> str:
        """The checkout it belongs to, if it is one's."""
        return format_html('<span class="reference">…{}</span>', str(row.stream)[-12:])

    @admin.display(description="created (UTC)", ordering="created_at")
    def created(self, row: OutboxEvent) -> str:
        """When it happened."""
        return stamp(row.created_at)

    @admin.display(description="waits")
    def waits(self, row: OutboxEvent) -> str:
        """How long it has been waiting to be told."""
        if row.state not in _OPEN:
            return "—"
        return elapsed((clock.now() - row.created_at).total_seconds()).removeprefix("+")

    @admin.display(description="sent (UTC)", ordering="sent_at")
    def sent(self, row: OutboxEvent) -> str:
        """When it was told."""
        return stamp(row.sent_at)

    def sections(self, row: OutboxEvent) -> list[Any]:
        """What it tells, and how telling it went."""
        told = [
            ("Event", row.reference),
            ("Type", row.type),
            ("Story", link(page_of("checkout", row.stream), str(row.stream))),
            ("Sequence", row.sequence),
            ("Happened", when(row.created_at)),
            ("Says", text_of(row.payload)),
        ]
        return [Facts("Event", told), Facts("Telling it", _work(row))]

    def buttons(self, request: HttpRequest, row: OutboxEvent) -> list[tuple[str, str]]:
        """Try again, for those who may, when it was given up."""
        if row.state != "dead" or not request.user.has_perm(PERMISSION):
            return []
        return [(f"{VERB}…", action_url(self, "retry", row))]

    def get_urls(self) -> list[URLPattern]:
        """An address of its own: Django's form views wrap theirs in a transaction."""
        view = self.admin_site.admin_view(self.retry_view)
        name = "events_outboxevent_retry"
        return [path("<str:object_id>/retry/", view, name=name), *super().get_urls()]

    def retry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET asks, POST hands it to the relay again."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        row: OutboxEvent | None = self.found(request, object_id)
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


def _work(row: OutboxEvent) -> list[tuple[str, Any]]:
    return [
        ("State", badge(row.state)),
        ("Attempts", row.attempts),
        ("Due", when(row.due_at) if row.state in _OPEN else ""),
        ("Sent", when(row.sent_at)),
        ("Last obstacle", row.last_error),
    ]


def _question(row: OutboxEvent) -> Question:
    return Question(
        verb=VERB,
        text=f"Tell {row.type} again?",
        facts=Facts("", [("Event", row.reference), *_work(row)]),
        consequence=(
            "The relay tries it within a second, with all its tries. Whoever heard it already"
            " does nothing; if it fails again, it is given up again."
        ),
    )


def _retry(request: HttpRequest, row: OutboxEvent, given: Mapping[str, Any]) -> None:
    with durable():
        is_revived = revive(row.pk)
        if is_revived:
            audit.record(
                actor=who(request), action="outbox_event.retry", aggregate="outboxevent",
                aggregate_id=row.pk, reason=given["reason"],
                before={"state": "dead", "last_error": row.last_error},
                after={"state": "retrying"},
            )  # fmt: skip
    if is_revived:
        messages.success(request, "The relay tries it again within a second.")
    else:
        messages.error(request, "Nothing was done. Somebody else was faster.")
