"""Staff see who is told what, and what is stuck: why, and since when."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import URLPattern

from events import webhook_deeds
from events.catalogue import PUBLIC
from events.models import WebhookDelivery, WebhookEndpoint
from events.states import DELIVERY, ENDPOINT, OPEN
from foundation import clock
from foundation.desk.sections import Facts, Table
from foundation.desk.staff import PageAdmin, badge, choice_filter, link, page_of, stamp, when
from foundation.models import AuditEntry, Transition

_SHOWN = 50


class StuckFilter(admin.SimpleListFilter):
    """Deliveries that failed and are not sent yet, or never will be."""

    title = "is it stuck"
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """One choice besides all."""
        return [("yes", "yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Dead, waiting after a failure, or due to an endpoint that is told nothing."""
        waits = Q(state__in=OPEN)
        failed = waits & ~Q(last_error="")
        held_up = waits & Q(endpoint__state="disabled")
        overdue = waits & Q(due_at__lt=clock.now(), endpoint__state="enabled")
        stuck = Q(state="dead") | failed | held_up | overdue
        return queryset.filter(stuck) if self.value() == "yes" else queryset


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(PageAdmin):
    """Addresses of clients that are told of events."""

    list_display = (
        "reference", "client", "url", "state_badge", "waiting", "failing", "disabled_reason",
        "created",
    )  # fmt: skip
    list_filter = (
        choice_filter("state", sorted(ENDPOINT.states), title="state"),
        ("failing_since", admin.EmptyFieldListFilter),
        "created_at",
    )
    list_select_related = ("client",)
    page_related = ("client",)
    search_help_text = "The endpoint's id (whe_…), its client's name, or a part of its address."
    by_reference: ClassVar = {"whe": "pk"}
    by_text = ("client__name", "url__icontains")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With how many deliveries wait for each."""
        open_ones = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), state__in=OPEN)
        counted = open_ones.order_by().values("endpoint").annotate(count=Count("pk"))
        rows: QuerySet[Any] = super().get_queryset(request)
        waiting = Coalesce(Subquery(counted.values("count")), 0)
        counted_rows: QuerySet[Any] = rows.annotate(open_count=waiting)
        return counted_rows

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: WebhookEndpoint) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="waiting", ordering="open_count")
    def waiting(self, row: Any) -> int:
        """How many deliveries are not ended."""
        return int(row.open_count)

    @admin.display(description="failing since (UTC)", ordering="failing_since")
    def failing(self, row: WebhookEndpoint) -> str:
        """The first failure after its last success."""
        return stamp(row.failing_since)

    @admin.display(description="created (UTC)", ordering="created_at")
    def created(self, row: WebhookEndpoint) -> str:
        """When it was made."""
        return stamp(row.created_at)

    def sections(self, row: WebhookEndpoint) -> list[Any]:
        """What it is, what is not sent to it yet, and who did what with it."""
        return [Facts("Endpoint", _endpoint(row)), _unsent(row), _record(row)]

    def buttons(self, request: HttpRequest, row: WebhookEndpoint) -> list[tuple[str, str]]:
        """What this person may do with it now."""
        return webhook_deeds.buttons(self, request, row, webhook_deeds.ENDPOINT_DEEDS)

    def get_urls(self) -> list[URLPattern]:
        """The addresses of the deeds besides Django's own."""
        return [*webhook_deeds.routes(self, webhook_deeds.ENDPOINT_DEEDS), *super().get_urls()]


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(PageAdmin):
    """Each event to each endpoint, and how far it got."""

    list_display = (
        "reference", "type", "endpoint_link", "state_badge", "attempts", "last_error", "due",
        "created",
    )  # fmt: skip
    list_filter = (
        StuckFilter,
        choice_filter("state", sorted(DELIVERY.states), title="state"),
        choice_filter("event__type", sorted(PUBLIC), title="type"),
        "created_at",
    )
    list_select_related = ("endpoint__client", "event")
    page_related = ("endpoint__client", "event")
    search_help_text = "The id of the delivery (dlv_…), endpoint (whe_…) or event (evt_…)."
    by_reference: ClassVar = {
        "dlv": "pk", "whe": "endpoint", "evt": "event", "chk": "event__stream",
    }  # fmt: skip
    by_text = ("endpoint__client__name",)

    @admin.display(description="type", ordering="event__type")
    def type(self, row: WebhookDelivery) -> str:
        """What is told."""
        return row.event.type

    @admin.display(description="endpoint")
    def endpoint_link(self, row: WebhookDelivery) -> str:
        """Whom it is told to."""
        return _to(row)

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: WebhookDelivery) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="next try (UTC)", ordering="due_at")
    def due(self, row: WebhookDelivery) -> str:
        """When it is tried next, while it is open."""
        return stamp(row.due_at) if row.state in OPEN else "—"

    @admin.display(description="since (UTC)", ordering="created_at")
    def created(self, row: WebhookDelivery) -> str:
        """When it was to be told first."""
        return stamp(row.created_at)

    def sections(self, row: WebhookDelivery) -> list[Any]:
        """What is told, each try, and each move."""
        return [Facts("Delivery", _delivery(row)), _tries(row), _moves(row)]

    def buttons(self, request: HttpRequest, row: WebhookDelivery) -> list[tuple[str, str]]:
        """Send again, for those who may, when it is not under way."""
        return webhook_deeds.buttons(self, request, row, webhook_deeds.DELIVERY_DEEDS)

    def get_urls(self) -> list[URLPattern]:
        """The addresses of the deeds besides Django's own."""
        return [*webhook_deeds.routes(self, webhook_deeds.DELIVERY_DEEDS), *super().get_urls()]


def _to(row: WebhookDelivery) -> str:
    text = f"{row.endpoint.client.name}: {row.endpoint.url}"
    return link(page_of("webhookendpoint", row.endpoint_id), text[:80])


def _endpoint(row: WebhookEndpoint) -> list[tuple[str, Any]]:
    return [
        ("Client", row.client.name),
        ("Address", row.url),
        ("Description", row.description),
        ("Events", ", ".join(row.event_types)),
        ("Of every client", "yes" if row.all_clients else "no"),
        ("State", badge(row.state)),
        ("Disabled because", row.disabled_reason),
        ("Failing since", when(row.failing_since)),
        ("Left alone until", when(row.paused_until)),
        ("The secret before signs until", when(row.previous_until)),
        ("Created", when(row.created_at)),
    ]


def _unsent(row: WebhookEndpoint) -> Table:
    rows = row.deliveries.select_related("event").exclude(state="sent").order_by("created_at")
    return Table(
        "What was not sent, the oldest first",
        ("Delivery", "Type", "State", "Since", "Tries", "Last error"),
        [
            (
                link(page_of("webhookdelivery", each.pk), each.reference), each.event.type,
                badge(each.state), when(each.created_at), each.attempts, each.last_error,
            )
            for each in rows[:_SHOWN]
        ],
        numbers=("Tries",),
        empty="Everything was sent.",
    )  # fmt: skip


def _record(row: WebhookEndpoint) -> Table:
    entries = AuditEntry.objects.filter(aggregate_id=row.pk).order_by("-at")[:_SHOWN]
    return Table(
        "On record",
        ("When", "Who", "What", "Why"),
        [(when(each.at), each.actor, each.action, each.reason) for each in entries],
    )


def _delivery(row: WebhookDelivery) -> list[tuple[str, Any]]:
    event = link(page_of("outboxevent", row.event_id), row.event.reference)
    return [
        ("Event", event),
        ("Type", row.event.type),
        ("Happened", when(row.event.created_at)),
        ("To", _to(row)),
        ("State", badge(row.state)),
        ("Tries", row.attempts),
        ("Next try", when(row.due_at) if row.state in OPEN else ""),
        ("Sent", when(row.sent_at)),
        ("Last error", row.last_error),
    ]


def _tries(row: WebhookDelivery) -> Table:
    return Table(
        "Tries",
        ("Number", "When", "Milliseconds", "Status", "Error", "How the answer begins"),
        [
            (each.number, when(each.at), each.milliseconds, each.status, each.error, each.answer)
            for each in row.log.order_by(F("id").desc())[:_SHOWN]
        ],
        numbers=("Number", "Milliseconds"),
    )


def _moves(row: WebhookDelivery) -> Table:
    moves = Transition.objects.filter(aggregate_id=row.pk).order_by("-id")[:_SHOWN]
    return Table(
        "Moves",
        ("When", "From", "To", "Who", "Why"),
        [
            (when(each.at), badge(each.from_state), badge(each.to_state), each.actor, each.reason)
            for each in moves
        ],
    )
