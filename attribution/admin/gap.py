"""Staff see the gap: stored versions in a list, and the report with its plots beside it."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from attribution.figures import BASES, CAUSES, EXTRA, MISSING, Figure, Gap, Sum, fold
from attribution.gap import measuring, report, versions
from attribution.models import GapVersion
from foundation import clock
from foundation.desk import plot
from foundation.desk.crossed import crossed
from foundation.desk.sections import Drawing, Facts, Table
from foundation.desk.staff import PageAdmin, choice_filter, when
from foundation.errors import InvalidInput
from foundation.money import Money

_DAYS: Final = 30
_NUMBERS: Final = ("Orders", "Seen", "Count gap", "Value gap", "Over-report", "Duplicates")


@admin.register(GapVersion)
class GapVersionAdmin(PageAdmin):
    """Each day as it was measured, version by version."""

    change_list_template = "attribution/admin/gap_list.html"
    list_display = ("day", "base", "version", "measured", "frozen")
    list_filter = (choice_filter("base", BASES, title="base"), "day")

    @admin.display(description="measured", ordering="measured_at")
    def measured(self, row: GapVersion) -> str:
        """When it was measured."""
        return when(row.measured_at)

    @admin.display(description="frozen", ordering="frozen_at")
    def frozen(self, row: GapVersion) -> str:
        """Since when it stays as it is."""
        return when(row.frozen_at)

    def sections(self, row: GapVersion) -> list[Any]:
        """What was found, in all and by channel."""
        facts = [
            ("Base", row.base),
            ("Version", row.version),
            ("Measured", when(row.measured_at)),
            ("Frozen", when(row.frozen_at)),
        ]
        figures = versions.figures_of(row)
        return [Facts(str(row), facts), *_tables(figures)]

    def get_urls(self) -> list[URLPattern]:
        """The report stands beside the list."""
        view = self.admin_site.admin_view(self.report_view)
        return [path("report/", view, name="attribution_gapversion_report"), *super().get_urls()]

    def report_view(self, request: HttpRequest) -> HttpResponse:
        """GET only: the last thirty days, or those asked for as the API is asked."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        question = _asked(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "row": "The gap",
            "title": f"Analytics against {question.base} orders",
            "media": self.media,
            "buttons": [(base.replace("_", " "), f"?base={base}") for base in BASES],
            "sections": [crossed("attribution."), *_report(question)],
        }
        return TemplateResponse(request, self.page_template, context)


def _asked(request: HttpRequest) -> report.Question:
    query = {name: str(value) for name, value in request.GET.items()}
    today = measuring.day_of(clock.now())
    if not query.get("from") and not query.get("to"):
        query["from"] = (today - dt.timedelta(days=_DAYS - 1)).isoformat()
    try:
        return report.asked(query)
    except InvalidInput as refused:
        messages.error(request, refused.detail)
        return report.Question(today - dt.timedelta(days=_DAYS - 1), today)


def _report(question: report.Question) -> list[Any]:
    found = report.find(question, client_id=None)
    currencies = sorted({figure.currency for figure in found.figures})
    drawn = [
        each
        for currency in currencies
        for each in _drawings(found.figures, currency, question.days)
    ]
    nothing = Facts("Nothing", [("Orders and conversions", "none in these days")])
    return [*drawn, *_tables(found.figures)] if drawn else [nothing]


def _drawings(figures: Sequence[Figure], currency: str, days: Sequence[dt.date]) -> list[Drawing]:
    mine = [figure for figure in figures if figure.currency == currency]
    by_day = {gap.group[0]: gap for gap in fold(mine, ("day",))}
    gaps = [by_day.get(day.isoformat(), Gap((), currency)) for day in days]
    lines = {
        "count gap": [gap.count_gap for gap in gaps],
        "value gap": [gap.value_gap for gap in gaps],
        "over-report": [gap.over_report for gap in gaps],
    }
    missing = {
        f"missing: {cause}".replace("_", " "): [_count(gap, MISSING, cause) for gap in gaps]
        for cause in CAUSES[MISSING]
    }
    extra = {
        f"extra: {cause}".replace("_", " "): [_count(gap, EXTRA, cause) for gap in gaps]
        for cause in CAUSES[EXTRA]
    }
    return [
        Drawing(f"Gaps in {currency}", plot.shares(lines, days=days, title=f"Gaps in {currency}")),
        Drawing(f"Missing in {currency}", plot.bars(missing, days=days, title="Orders missing")),
        Drawing(f"Extra in {currency}", plot.bars(extra, days=days, title="Conversions extra")),
    ]


def _tables(figures: Sequence[Figure]) -> list[Table]:
    names = {"channel": "Channel", "campaign": "Campaign", "payment_method": "Paid with"}
    return [
        _table(heading, [(gap.group[0], gap) for gap in fold(figures, (name,))])
        for name, heading in names.items()
    ]


def _table(heading: str, gaps: Sequence[tuple[str, Gap]]) -> Table:
    return Table(
        f"By {heading.lower()}",
        (heading, "Orders", "Value", "Seen", "Count gap", "Value gap", "Over-report", "Duplicates"),
        [
            (
                name,
                gap.orders,
                Money(gap.order_amount, gap.currency),
                gap.outcomes["matched"].count,
                *(_percent(share) for share in (gap.count_gap, gap.value_gap, gap.over_report)),
                gap.outcomes["duplicate"].count,
            )
            for name, gap in gaps
        ],
        numbers=(*_NUMBERS, "Value"),
    )


def _count(gap: Gap, outcome: str, cause: str) -> int:
    return gap.causes.get((outcome, cause), Sum()).count


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
