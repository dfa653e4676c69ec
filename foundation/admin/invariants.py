"""Staff see which rules hold, and the rows that break one. Nothing is edited."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from foundation.desk.sections import Facts, Table
from foundation.desk.staff import PageAdmin, badge, link, page_of, stamp, when
from foundation.invariants import every_rule
from foundation.models import InvariantResult

RED = Q(violations__gt=0) | ~Q(error="")


class RedFilter(admin.SimpleListFilter):
    """Only what a person should look at."""

    title = "does it hold"
    parameter_name = "holds"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """Red, or green."""
        return [("no", "red"), ("yes", "green")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The same condition as the badge's."""
        wanted = {"no": RED, "yes": ~RED}.get(self.value() or "", Q())
        return queryset.filter(wanted)


@admin.register(InvariantResult)
class InvariantResultAdmin(PageAdmin):
    """What the last look at each rule found; the broken ones first."""

    list_display = ("name", "state_badge", "reach", "violations", "red", "checked", "took")
    list_filter = (RedFilter, "everything")
    search_help_text = "Part of a rule's name."
    by_text: ClassVar[Sequence[str]] = ("name__icontains",)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:  # noqa: ARG002
        """The broken ones first."""
        return ("-violations", "name")

    @admin.display(description="state")
    def state_badge(self, row: InvariantResult) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="rows", ordering="everything")
    def reach(self, row: InvariantResult) -> str:
        """Which rows were looked at."""
        return "all" if row.everything else "of the last days"

    @admin.display(description="red since (UTC)", ordering="red_since")
    def red(self, row: InvariantResult) -> str:
        """Since when it is broken."""
        return stamp(row.red_since)

    @admin.display(description="checked (UTC)", ordering="checked_at")
    def checked(self, row: InvariantResult) -> str:
        """When it was last asked."""
        return stamp(row.checked_at)

    @admin.display(description="took", ordering="seconds")
    def took(self, row: InvariantResult) -> str:
        """How long the look took."""
        return f"{row.seconds:.3f} s"

    def sections(self, row: InvariantResult) -> list[Any]:
        """The rule, and who breaks it."""
        rules = {rule.name: rule.rule for rule in every_rule()}
        return [
            Facts(
                "Rule",
                [
                    ("Says", rules.get(row.name, "It is no longer asked.")),
                    ("State", badge(row.state)),
                    ("Broken by", f"{row.violations} rows"),
                    ("Red since", when(row.red_since)),
                    ("Looked at", self.reach(row)),
                    ("Checked", when(row.checked_at)),
                    ("Error", row.error),
                ],
            ),
            Table(
                "Rows that break it",
                ("Row", "How"),
                [(_page(found), found["detail"]) for found in row.rows],
                empty="None.",
            ),
        ]


def _page(found: dict[str, str]) -> str:
    text = f"{found['about']} {found['row_id']}"
    try:
        return link(page_of(found["about"], uuid.UUID(found["row_id"])), text)
    except ValueError:
        return text
