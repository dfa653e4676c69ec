"""One page: how much of each day matched, what is open by class and age, and how long it took."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from foundation import clock
from foundation.desk import plot
from foundation.desk.crossed import crossed
from foundation.desk.sections import Drawing, Facts, Table
from foundation.desk.staff import PageAdmin
from foundation.money import Money
from reconciliation import metrics
from reconciliation.models import ReconciliationRun

_DAYS: Final = 30


def page(model_admin: PageAdmin, request: HttpRequest) -> HttpResponse:
    """GET only: the last thirty days of every account."""
    if request.method not in ("GET", "HEAD") or not model_admin.has_view_permission(request):
        raise PermissionDenied
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "row": "Overview",
        "title": "Our books against the processor's",
        "media": model_admin.media,
        "sections": [*_drawings(), crossed("reconciliation."), _measured(), _open()],
    }
    return TemplateResponse(request, model_admin.page_template, context)


def _drawings() -> list[Drawing]:
    today = clock.now().date()
    days = [today - dt.timedelta(days=number) for number in range(_DAYS, 0, -1)]
    newest = _newest_runs(days)
    matched = {
        account: [_share(newest.get((account, day))) for day in days]
        for account in sorted({account for account, _ in newest})
    }
    return [
        Drawing(
            "Matched, by day",
            plot.shares(matched, days=days, title="Payments of which both books say the same"),
            note="A day without a point was not compared, or nothing happened on it.",
        ),
        Drawing(
            "Breaks found, by day",
            plot.bars(_found(newest, days), days=days, title="Breaks by class"),
        ),
    ]


def _newest_runs(days: Sequence[dt.date]) -> dict[tuple[str, dt.date], ReconciliationRun]:
    runs = ReconciliationRun.objects.filter(state="completed", day__in=days).order_by("version")
    return {(run.account, run.day): run for run in runs}


def _share(run: ReconciliationRun | None) -> float | None:
    if run is None or not run.counts["pairs"]:
        return None
    return float(run.counts["matched"] / run.counts["pairs"])


def _found(
    newest: dict[tuple[str, dt.date], ReconciliationRun], days: Sequence[dt.date]
) -> dict[str, list[int]]:
    """The classes that were met most, and the others together."""
    by_class: dict[str, dict[dt.date, int]] = defaultdict(lambda: defaultdict(int))
    for (_, day), run in newest.items():
        for each in run.counts["found"]:
            if not each["waiting"]:
                by_class[each["kind"]][day] += each["count"]
    ranked = sorted(by_class, key=lambda kind: -sum(by_class[kind].values()))
    shown, rest = ranked[: len(plot.COLORS) - 1], ranked[len(plot.COLORS) - 1 :]
    drawn = {kind.replace("_", " "): [by_class[kind][day] for day in days] for kind in shown}
    drawn["others"] = [sum(by_class[kind][day] for kind in rest) for day in days]
    return drawn


def _measured() -> Facts:
    return Facts("Measured", metrics.told())


def _open() -> Table:
    return Table(
        "Open",
        ("Class", "Breaks", "At risk", "Oldest"),
        [
            (kind.replace("_", " "), count, Money(amount, currency), f"{days} days")
            for kind, currency, count, amount, days in metrics.open_breaks()
        ],
        numbers=("Breaks", "At risk", "Oldest"),
        empty="Our books and theirs agree.",
    )
