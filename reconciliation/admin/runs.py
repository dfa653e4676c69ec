"""Every run of every day, version by version."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from foundation.desk.sections import Facts, Table
from foundation.desk.staff import PageAdmin, badge, choice_filter, when
from foundation.money import Money
from reconciliation.models import ReconciliationRun
from reconciliation.states import RUN


@admin.register(ReconciliationRun)
class RunAdmin(PageAdmin):
    """What was compared, and what came of it."""

    list_display = ("day", "account", "version", "state_badge", "matched", "started", "error")
    list_filter = (
        choice_filter("state", sorted(RUN.states), title="state"),
        "account",
        "day",
    )
    search_help_text = "run_…"
    by_reference: ClassVar = {"run": "pk"}

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:  # noqa: ARG002 - Django's
        """The newest day first, and of each its last version."""
        return ("-day", "-version")

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: ReconciliationRun) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="matched")
    def matched(self, row: ReconciliationRun) -> str:
        """Of how many payments both books say the same."""
        if row.state != "completed":
            return "—"
        return f"{row.counts['matched']} of {row.counts['pairs']}"

    @admin.display(description="started", ordering="started_at")
    def started(self, row: ReconciliationRun) -> str:
        """When it was asked for."""
        return when(row.started_at)

    def sections(self, row: ReconciliationRun) -> list[Any]:
        """The run, and what it found by class."""
        facts = [
            ("State", badge(row.state)),
            ("Asked by", row.asked_by),
            ("Started", when(row.started_at)),
            ("Ended", when(row.finished_at)),
            ("Matched", self.matched(row)),
            ("New breaks", row.counts.get("new_breaks")),
            ("Ended by themselves", row.counts.get("auto_resolved")),
            ("Error", row.error),
            ("Digest", row.digest),
        ]
        found = Table(
            "Found",
            ("Class", "Payments", "At risk", "Only waiting"),
            [
                (
                    each["kind"].replace("_", " "),
                    each["count"],
                    Money(each["amount"], each["currency"]),
                    "yes" if each["waiting"] else "",
                )
                for each in row.counts.get("found", [])
            ],
            numbers=("Payments", "At risk"),
            empty="Nothing differs." if row.state == "completed" else "Nothing was compared.",
        )
        return [Facts(str(row), facts), found]
