"""Quick search: whatever a person has in hand, typed into one box on every page.

A public id (`ord_…`, `txn_…`, `R1000001`, a UUID) leads to its page; anything else (an e-mail
address, a customer's or the processor's reference, an idempotency key) to what it names.
"""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from checkout_project import navigation
from foundation import ids
from foundation.desk.sections import Table
from foundation.desk.staff import ReadOnlyAdmin, badge, link, page_of

_NUMBER: Final = re.compile(r"[Rr][0-9]+", re.ASCII)  # of an order, for people
_TERM_MAX: Final = 200
_SHOWN_MAX: Final = 10
# What a text is looked for in; an id is looked for wherever its prefix is known.
_BY_TEXT: Final = (
    "orders.order", "orders.checkout", "payments.payment", "payments.payout",
    "foundation.idempotencykey",
    "payments.dispute", "payments.processorevent", "reconciliation.reconciliationbreak",
    "reconciliation.settlementline", "attribution.conversion", "foundation.case",
)  # fmt: skip


def find(request: HttpRequest) -> HttpResponse:
    """GET only: the page of what an id names, or all that a text names, ten of a kind."""
    term = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:_TERM_MAX]
    by_id = _of_id(request, term)
    if by_id is not None:
        return HttpResponseRedirect(by_id)
    found = list(_of_text(request, term))
    hits = [(pages, row) for pages, rows in found for row in rows]
    if len(hits) == 1:
        return HttpResponseRedirect(_page(*hits[0]))
    context = {
        **admin.site.each_context(request),
        "title": f"Found for “{term}”" if term else "Find",
        "term": term,
        "sections": [_table(pages, rows) for pages, rows in found if rows],
    }
    return TemplateResponse(request, "admin/find.html", context)


def _of_id(request: HttpRequest, term: str) -> str | None:
    """The page that a public id leads to: its own, or that of what it is a part of; and to a list
    when it is of several rows."""
    prefix = term.partition("_")[0].lower() if "_" in term else ""
    known = [pages for pages in _visible(request) if prefix and prefix in pages.by_reference]
    for pages in sorted(known, key=lambda each: each.by_reference[prefix] != "pk"):
        rows = list(_rows(request, pages, term)[:2])
        if len(rows) == 1:
            return _page(pages, rows[0])
        if rows and ids.parse(prefix, term) is not None:
            return _list(pages, term)
    return None


def _list(pages: ReadOnlyAdmin, term: str) -> str:
    route = f"admin:{pages.opts.app_label}_{pages.opts.model_name}_changelist"
    return f"{reverse(route)}?{urlencode({'q': term})}"


def _of_text(request: HttpRequest, term: str) -> Iterator[tuple[ReadOnlyAdmin, list[Any]]]:
    """What it names, list by list. The number of an order of ours leads to it and to nothing else;
    that of none may still be what analytics, or the books, speak of."""
    for pages in _visible(request) if term else ():
        if pages.opts.label_lower in _BY_TEXT:
            rows = list(_rows(request, pages, term)[:_SHOWN_MAX])
            yield pages, rows
            if rows and pages.opts.label_lower == _BY_TEXT[0] and _NUMBER.fullmatch(term):
                return


def _visible(request: HttpRequest) -> Iterator[ReadOnlyAdmin]:
    """The lists this person may see, in the order of the sidebar."""
    for models in navigation.GROUPS.values():
        for label, _ in models:
            pages = navigation.pages_of(label)
            if isinstance(pages, ReadOnlyAdmin) and pages.has_view_permission(request):
                yield pages


def _rows(request: HttpRequest, pages: ReadOnlyAdmin, term: str) -> Any:
    related = pages.list_select_related
    rows = pages.get_queryset(request).select_related(
        *(() if isinstance(related, bool) else related)
    )
    return pages.get_search_results(request, rows, term)[0].order_by("-pk")


def _page(pages: ReadOnlyAdmin, row: Model) -> str:
    return page_of(str(pages.opts.model_name), row.pk) or reverse("admin:index")


def _table(pages: ReadOnlyAdmin, rows: list[Any]) -> Table:
    title = str(pages.opts.verbose_name_plural).capitalize()
    lines = [(link(_page(pages, row), str(row)), badge(getattr(row, "state", ""))) for row in rows]
    more = f" (the newest {_SHOWN_MAX})" if len(rows) == _SHOWN_MAX else ""
    return Table(f"{title}{more}", ("Which", "State"), lines, width="half")
