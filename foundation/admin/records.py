"""What moved, and who did it: the two records that only grow."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import Q

from foundation.desk.staff import ReadOnlyAdmin, badge, link, page_of
from foundation.models import AuditEntry, Transition
from foundation.record_models import PEOPLE


class _OfOneThing(ReadOnlyAdmin):
    """Rows about some other row, found by its public id whatever it is."""

    by_reference: ClassVar = {"*": "aggregate_id"}

    @admin.display(description="about")
    def about(self, row: Transition | AuditEntry) -> str:
        """A link to what moved."""
        return link(page_of(row.aggregate, row.aggregate_id), row.aggregate)


@admin.register(Transition)
class TransitionAdmin(_OfOneThing):
    """Every move of every state machine."""

    list_display = ("at", "about", "from_badge", "to_badge", "actor", "reason")
    list_filter = ("at",)
    fields = ("at", "about", "aggregate_id", "from_badge", "to_badge", "actor", "reason")
    search_help_text = (
        "The id of what moved (ord_…, pay_…, chk_…), or which person moved it (staff:ana)."
    )

    def looks(self, term: str) -> list[Q]:
        """Or by whom, when it was a person: what the house moves by itself names half the table."""
        if not term.startswith(PEOPLE):
            return super().looks(term)
        return [Q(actor=term, actor__startswith=PEOPLE)]

    @admin.display(description="from")
    def from_badge(self, row: Transition) -> str:
        """The state before."""
        return badge(row.from_state)

    @admin.display(description="to")
    def to_badge(self, row: Transition) -> str:
        """The state after."""
        return badge(row.to_state)


@admin.register(AuditEntry)
class AuditEntryAdmin(_OfOneThing):
    """Who moved what, and why."""

    list_display = ("at", "actor", "action", "about", "reason")
    list_filter = ("at",)
    fields = ("at", "actor", "action", "about", "aggregate_id", "reason", "before", "after")
    ordering = ("-at", "-pk")  # a form sent twice is one entry: the ids of some are no times
    search_help_text = "The id of what was moved (pay_…), who moved it, or the action."
    by_text = ("actor", "action")
