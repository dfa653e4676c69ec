"""Staff see what was told, and what still waits to be told."""

from typing import ClassVar

from django.contrib import admin

from events import webhook_pages
from events.catalogue import CATALOGUE
from events.models import OutboxEvent
from foundation.staff import ReadOnlyAdmin, badge, choice_filter

__all__ = ["webhook_pages"]  # importing the module registers its pages


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    """The outbox: one row a fact, and how far the relay got with it."""

    list_display = (
        "type", "state_badge", "stream", "sequence", "created_at", "due_at", "attempts", "sent_at",
        "last_error",
    )  # fmt: skip
    list_filter = (
        choice_filter("state", OutboxEvent.State.values, title="state"),
        choice_filter("type", sorted(CATALOGUE), title="type"),
        "created_at",
    )
    fields = (
        "reference", "type", "state_badge", "stream", "sequence", "payload", "created_at",
        "due_at", "attempts", "sent_at", "last_error",
    )  # fmt: skip
    search_help_text = "The event's id (evt_…), or the id of its story (chk_…)."
    by_reference: ClassVar = {"evt": "pk", "*": "stream"}

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: OutboxEvent) -> str:
        """The state, colored."""
        return badge(row.state)
