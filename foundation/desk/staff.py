"""What every page for staff stands on: it shows, it finds, and it changes nothing.

Lists and pages of `ReadOnlyAdmin` answer to Django's view permission; a POST to them is 403.
`PageAdmin` draws one row as sections (facts, tables, a timeline) instead of a form.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin as ThemedAdmin

from foundation import ids
from foundation.desk import searching

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = ThemedAdmin

_GOOD = (
    "completed captured authorized sent succeeded committed consumed shipped delivered placed"
    " enabled fulfilling accept approved green resolved won processed auto_resolved"
)
_WAITING = (
    "in_progress started authorizing unknown requires_action in_review compensating capturing"
    " voiding partially_captured pending leased retrying held on_hold review open received parked"
    " running assigned reopened"
)
_BAD = (
    "disabled declined failed dead given_up needs_attention expired abandoned reject rejected"
    " disputed payment_required stuck red unreadable overdue lost charged_back"
)
_TONES: Mapping[str, str] = {
    word: tone
    for tone, words in (("good", _GOOD), ("wait", _WAITING), ("bad", _BAD))
    for word in words.split()
}


def badge(word: str) -> str:
    """A state as a colored word; a word it does not know is gray."""
    if not word:
        return "—"
    shown = word.replace("_", " ")
    return format_html('<span class="badge {}">{}</span>', _TONES.get(word, "plain"), shown)


def when(moment: dt.datetime | None) -> str:
    """A moment to the second, in UTC; a dash when there was none."""
    return "—" if moment is None else f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def stamp(moment: dt.datetime | None) -> str:
    """The same for a column whose heading says UTC."""
    return when(moment).removesuffix(" UTC")


def who(request: HttpRequest) -> str:
    """The actor that goes on record for what this person does."""
    return f"staff:{request.user.get_username()}"[:120]


def person(request: HttpRequest) -> User:
    """The account behind it; the admin lets nobody in without one."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def link(url: str, text: str) -> str:
    """A link, or the plain text when there is no page to link to."""
    return format_html('<a href="{}">{}</a>', url, text) if url else text


def page_of(kind: str, row_id: uuid.UUID | None) -> str:
    """The admin's page of one row, by the name of its model; "" when there is none."""
    route = _route(kind)
    return reverse(route, args=[row_id]) if route and row_id is not None else ""


@cache
def _route(kind: str) -> str:
    for model in apps.get_models():
        opts = model._meta  # noqa: SLF001 - Django's documented description of a model
        if opts.model_name == kind and admin.site.is_registered(model):
            return f"admin:{opts.app_label}_{kind}_change"
    return ""


def pages_pointing_at(row: Model) -> dict[str, str]:
    """Name from `row`'s side → link, for each row that has `row` as its one and only."""
    found = {}
    for relation in row._meta.related_objects:  # noqa: SLF001 - as above
        if not relation.one_to_one:
            continue
        name = relation.get_accessor_name() or ""
        other = getattr(row, name, None)
        if other is not None:
            kind = str(relation.related_model._meta.model_name)  # noqa: SLF001 - as above
            found[name] = link(page_of(kind, other.pk), str(other))
    return found


def choice_filter(field: str, values: Iterable[str], *, title: str) -> type[admin.SimpleListFilter]:
    """A filter over known words; asks the database nothing to draw itself."""
    words = [(value, value) for value in values]

    class ChoiceFilter(admin.SimpleListFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
            return words

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
            known = self.value() in {value for value, _ in words}
            return queryset.filter(**{field: self.value()}) if known else queryset

    ChoiceFilter.title = title
    return ChoiceFilter


# How Django's own filters ask about a column.
_ASKED: Final = ("exact", "gte", "lt", "isnull", "isempty", "id__exact")


class HouseAdmin(_ModelAdmin):
    """What every page of the admin has in common: the theme, and lists that stay quick."""

    list_per_page = 50
    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:  # noqa: ARG002
        """Only what the list's filters ask for. Django lets any column be asked about: whoever
        sees a list could find out what it does not show (a secret, letter by letter)."""
        offered = self.get_list_filter(request)
        names = [_parameter(each) for each in offered]
        return lookup in {*names, *(f"{name}__{asked}" for name in names for asked in _ASKED)}


def _parameter(list_filter: Any) -> str:
    """What a filter is called in an address: by its column, or by the class's own word."""
    if isinstance(list_filter, type):
        return str(getattr(list_filter, "parameter_name", ""))
    return str(list_filter[0] if isinstance(list_filter, tuple) else list_filter)


class ReadOnlyAdmin(HouseAdmin):
    """A list that is searched by what people have in hand, and pages nobody can edit."""

    actions: Sequence[str] | None = None
    ordering: ClassVar[tuple[Any, ...]] = ("-pk",)
    change_form_template = "foundation/admin/read_only.html"
    by_reference: ClassVar[Mapping[str, str]] = {}  # prefix of a public id ("*": any) → column
    by_text: ClassVar[Sequence[str]] = ()  # look-ups for anything else that is typed
    by_start: ClassVar[Sequence[str]] = ()  # columns in lower case, found by how they begin

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Nobody: rows are made by the verbs of the house."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Nobody: rows are moved by the verbs of the house."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Nobody: what happened stays."""
        return False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Raises `IncorrectLookupParameters`, also for a text that no row can hold."""
        if "%00" in request.META.get("QUERY_STRING", ""):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:  # noqa: ARG002
        """Only tells Django to draw the search box; the search itself is below."""
        return ("pk",) if self.by_text or self.by_reference else ()

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        """Rows that the typed text names: a public id, a UUID, or one of the texts."""
        term = search_term.strip()
        named = searching.any_of(self.model, self.looks(term)) if term else Q()
        return queryset.filter(named), False

    def looks(self, term: str) -> list[Q]:
        """What a term may be, each by an index of its own."""
        prefix = term.partition("_")[0]
        column = self.by_reference.get(prefix) or self.by_reference.get("*")
        row_id = ids.parse(prefix, term)
        if column and row_id is not None:
            return [Q(**{column: row_id})]
        found = [Q(**{lookup: term}) for lookup in self.by_text]
        found += [look for column in self.by_start for look in searching.begins(column, term)]
        if (plain := _as_uuid(term)) is not None:
            found += [Q(**{name: plain}) for name in sorted(set(self.by_reference.values()))]
        return found


def _as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


class PageAdmin(ReadOnlyAdmin):
    """One row as a page of sections; what may be done with it are links to pages of their own."""

    page_template = "foundation/admin/page.html"
    page_related: ClassVar[Sequence[str]] = ()

    def sections(self, row: Any) -> list[Any]:
        """What the page shows, top to bottom."""
        raise NotImplementedError

    def buttons(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """(text, address) of what this person may do with this row now."""
        return []

    def found(self, request: HttpRequest, object_id: str) -> Any:
        """The row by UUID or public id, or None; refuses who may not see it."""
        rows = self.get_queryset(request).select_related(*self.page_related)
        text = unquote(object_id)
        row_id = _as_uuid(text) or ids.parse(text.partition("_")[0], text)
        row = rows.filter(pk=row_id).first() if row_id is not None else None
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return row

    def missing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """For a row that is not there: a message, and back to the list."""
        text = f"There is no {self.opts.verbose_name} {object_id!r}."
        messages.error(request, text)
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002 - Django's signature
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page. There is no form on it, so there is nothing to POST."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        row = self.found(request, object_id)
        if row is None:
            return self.missing(request, object_id)
        context = self.page_context(request, row) | {
            "sections": self.sections(row),
            "buttons": self.buttons(request, row),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.page_template, context)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What every page of this row shares: the frame, the way back, its name and state."""
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "row": row,
            "row_url": page_of(str(self.opts.model_name), row.pk),
            "state": badge(row.state) if hasattr(row, "state") else "",
            "title": f"{str(self.opts.verbose_name).capitalize()} {row}",
            "media": self.media,
        }


def action_url(model_admin: PageAdmin, action: str, row: Model) -> str:
    """The address of one action on one row; raises when the route is not there."""
    opts = model_admin.opts
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{action}", args=[row.pk])
