"""Every e-mail to shoppers: which wait, why, since when, and which were given up."""

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from foundation.desk.sections import Facts
from foundation.desk.staff import PageAdmin, badge, choice_filter, link, page_of, stamp, when
from orders import letters
from orders.admin.mails import name_of
from orders.models import Notification

_WAITS: Final = Q(sent_at=None, given_up_at=None, obsolete_at=None)
_STATES: Final = {
    "pending": _WAITS,
    "failing": _WAITS & ~Q(last_error=""),
    "given_up": Q(given_up_at__isnull=False),
    "sent": Q(sent_at__isnull=False),
    "obsolete": Q(obsolete_at__isnull=False),
}


class StateFilter(admin.SimpleListFilter):
    """By what became of it; of those that wait, the ones that failed already."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """The words of the column, and "failing"."""
        return [(word, word.replace("_", " ")) for word in _STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The same conditions as the badge's."""
        return queryset.filter(_STATES.get(self.value() or "", Q()))


@admin.register(Notification)
class NotificationAdmin(PageAdmin):
    """Mails of all orders, the newest first. They are sent again from the order's own page."""

    list_display = (
        "name", "for_order", "recipient", "state_badge", "written", "attempts", "next_try",
        "last_error",
    )  # fmt: skip
    list_filter = (
        StateFilter,
        choice_filter("template", letters.TEMPLATES, title="message"),
        "created_at",
    )
    list_select_related = ("order",)
    page_related = ("order",)
    ordering = ("-created_at", "-pk")  # a mail sent again has its form's id, which is no time
    search_help_text = "The order (ord_…, chk_…), or the start of an e-mail address."
    by_reference: ClassVar = {"ord": "order", "chk": "order__checkout"}
    by_start = ("order__email",)

    @admin.display(description="message")
    def name(self, row: Notification) -> str:
        """What it tells of, and which version."""
        again = f", version {row.version}" if row.version > 1 else ""
        return f"{name_of(row)}{again}"

    @admin.display(description="order")
    def for_order(self, row: Notification) -> str:
        """Whose it is."""
        return link(page_of("order", row.order_id), row.order.public_number)

    @admin.display(description="state")
    def state_badge(self, row: Notification) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="written (UTC)", ordering="created_at")
    def written(self, row: Notification) -> str:
        """Since when it is to be sent."""
        return stamp(row.created_at)

    @admin.display(description="next try (UTC)", ordering="leased_until")
    def next_try(self, row: Notification) -> str:
        """When it is tried next, while it waits."""
        return stamp(row.leased_until) if row.state == "pending" else "—"

    def sections(self, row: Notification) -> list[Any]:
        """What it is, and how far it came."""
        told = [
            ("Message", self.name(row)),
            ("Order", self.for_order(row)),
            ("To", row.recipient),
            ("Sent again by", row.actor),
            ("Because", row.reason),
        ]
        work = [
            ("State", badge(row.state)),
            ("Written", when(row.created_at)),
            ("Tries", row.attempts),
            ("Next try", when(row.leased_until) if row.state == "pending" else ""),
            ("Sent", when(row.sent_at)),
            ("Given up", when(row.given_up_at)),
            ("No longer true since", when(row.obsolete_at)),
            ("Last error", row.last_error),
        ]
        return [Facts("E-mail", told), Facts("Sending it", work)]

    def buttons(self, request: HttpRequest, row: Notification) -> list[tuple[str, str]]:  # noqa: ARG002
        """To where it can be read, and sent again."""
        return [("The order's e-mails", reverse("admin:orders_order_mails", args=[row.order_id]))]
