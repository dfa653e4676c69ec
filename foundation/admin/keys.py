"""Which keys were used: who is at work on each, and what was answered."""

import datetime as dt
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from foundation import clock
from foundation.desk.staff import ReadOnlyAdmin, badge, choice_filter, link, page_of, stamp, when
from foundation.models import IdempotencyKey

# A dead lease is taken over by the sweep within one beat; two missed beats are a person's matter.
_BEATS_MISSED = 3


def _stuck_since() -> dt.datetime:
    return clock.now() - dt.timedelta(seconds=_BEATS_MISSED * settings.SWEEP_SECONDS)


class StuckFilter(admin.SimpleListFilter):
    """Open keys whose lease died, and which no sweep took over; and those it takes no more."""

    title = "is it stuck"
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """Two choices besides all."""
        return [("yes", "yes"), ("parked", "parked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The same conditions as the column's."""
        wanted = {
            "yes": Q(state="in_progress", leased_until__lt=_stuck_since()),
            "parked": Q(state="in_progress", crashes__gte=settings.CRASHES_MAX),
        }
        return queryset.filter(wanted.get(self.value() or "", Q()))


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    """What was asked under which key, who is at work on it, and what was answered."""

    list_display = ("key", "state_badge", "answered", "subject", "created", "work")
    list_filter = (
        choice_filter("state", IdempotencyKey.State.values, title="state"),
        StuckFilter,
        "created_at",
    )
    fields = (
        "key", "scope", "state_badge", "work", "subject", "lease_token", "leased_until",
        "is_paused", "created", "completed", "response_status", "headers_text", "body_text",
    )  # fmt: skip
    search_help_text = "The key itself, or the id of what it started (chk_…)."
    by_reference: ClassVar = {"*": "subject_id"}
    by_text = ("key",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdempotencyKey]:
        """Without what was answered, which only a key's own page shows."""
        rows: QuerySet[IdempotencyKey] = super().get_queryset(request)
        return rows.defer("response_body", "response_headers")

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: IdempotencyKey) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="lease")
    def work(self, row: IdempotencyKey) -> str:
        """Whether somebody is at work on it, it waits, nobody came for it, or nobody will."""
        if row.state != IdempotencyKey.State.IN_PROGRESS:
            return "—"
        if row.crashes >= settings.CRASHES_MAX:
            return format_html("{}: {} runners died on it", badge("parked"), row.crashes)
        if row.leased_until < _stuck_since():
            return format_html("{} since {}", badge("stuck"), when(row.leased_until))
        return f"{'waits' if row.is_paused else 'at work'} until {when(row.leased_until)}"

    @admin.display(description="started")
    def subject(self, row: IdempotencyKey) -> str:
        """A link to what the key started."""
        return link(page_of(row.subject_kind, row.subject_id), row.subject_kind)

    @admin.display(description="created (UTC)", ordering="created_at")
    def created(self, row: IdempotencyKey) -> str:
        """When the key was claimed."""
        return stamp(row.created_at)

    @admin.display(description="answer", ordering="response_status")
    def answered(self, row: IdempotencyKey) -> int | None:
        """The status that was, and will be, sent."""
        return row.response_status

    @admin.display(description="completed")
    def completed(self, row: IdempotencyKey) -> str:
        """When the answer was stored."""
        return when(row.completed_at)

    @admin.display(description="response headers")
    def headers_text(self, row: IdempotencyKey) -> str:
        """The headers that are replayed."""
        lines = "\n".join(f"{name}: {value}" for name, value in row.response_headers.items())
        return format_html('<pre class="body">{}</pre>', lines or "—")

    @admin.display(description="response body")
    def body_text(self, row: IdempotencyKey) -> str:
        """The stored bytes, as text."""
        body = bytes(row.response_body or b"").decode(errors="replace")
        return format_html('<pre class="body">{}</pre>', body or "—")
