"""Staff see which purchases and refunds analytics was told of, and what it did not take."""

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from attribution.models import PurchaseSending, RefundSending
from attribution.models.sending import WAITS, Sending
from foundation.desk.sections import Facts
from foundation.desk.staff import PageAdmin, badge, stamp, when
from foundation.money import Money

_OUTCOMES: Final = {
    "sent": Q(sent_at__isnull=False),
    "failed": Q(failed_at__isnull=False),
    "pending": WAITS,
}


class OutcomeFilter(admin.SimpleListFilter):
    """Those that were told, those that were given up, and those on their way."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """The words of the column."""
        return [(word, word) for word in _OUTCOMES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The same conditions as the badge's."""
        return queryset.filter(_OUTCOMES.get(self.value() or "", Q()))


@admin.register(PurchaseSending)
class PurchaseSendingAdmin(PageAdmin):
    """Purchases on their way to analytics, found by the order's number."""

    list_display = ("number", "state_badge", "placed", "attempts", "is_late", "last_error")
    list_filter = (OutcomeFilter, "placed_at", "is_late")
    search_help_text = "The number of the order (R1000001)."
    by_text: ClassVar = ("number",)

    @admin.display(description="state")
    def state_badge(self, row: PurchaseSending) -> str:
        """Sent, given up, or on its way."""
        return _badge(row)

    @admin.display(description="placed (UTC)", ordering="placed_at")
    def placed(self, row: PurchaseSending) -> str:
        """When the order was placed."""
        return stamp(row.placed_at)

    def sections(self, row: PurchaseSending) -> list[Any]:
        """What is told, and how far it came."""
        told = [
            ("Number", row.number),
            ("Value", Money(row.amount, row.currency)),
            ("Tax", Money(row.tax_amount, row.currency)),
            ("Shipping", Money(row.shipping_amount, row.currency)),
            ("Browser", row.browser_id),
            ("Session", row.session_id),
        ]
        late = ("Too late for its session", "yes" if row.is_late else "no")
        return [Facts("Purchase", told), Facts("Sending", [*_sending(row), late])]


@admin.register(RefundSending)
class RefundSendingAdmin(PageAdmin):
    """Refunds on their way to analytics, found by the refund or by the order's number."""

    list_display = ("number", "state_badge", "money", "given", "attempts", "last_error")
    list_filter = (OutcomeFilter, "given_at")
    search_help_text = "rfd_…, or the number of the order (R1000001)."
    by_reference: ClassVar = {"rfd": "refund_id"}
    by_text: ClassVar = ("number",)

    @admin.display(description="state")
    def state_badge(self, row: RefundSending) -> str:
        """Sent, given up, or on its way."""
        return _badge(row)

    @admin.display(description="amount", ordering="amount")
    def money(self, row: RefundSending) -> Money:
        """What was given back."""
        return Money(row.amount, row.currency)

    @admin.display(description="given back (UTC)", ordering="given_at")
    def given(self, row: RefundSending) -> str:
        """When it was given back."""
        return stamp(row.given_at)

    def sections(self, row: RefundSending) -> list[Any]:
        """What is told, and how far it came."""
        told = [
            ("Refund", row.reference),
            ("Number of the order", row.number),
            ("Amount", Money(row.amount, row.currency)),
            ("Given back", when(row.given_at)),
            ("Browser", row.browser_id),
        ]
        return [Facts("Refund", told), Facts("Sending", _sending(row))]


def _badge(row: Sending) -> str:
    if row.sent_at is not None:
        return badge("sent")
    return badge("pending" if row.failed_at is None else "failed")


def _sending(row: Sending) -> list[tuple[str, Any]]:
    return [
        ("State", _badge(row)),
        ("Tries", row.attempts),
        ("Next try", when(row.due_at) if not (row.sent_at or row.failed_at) else ""),
        ("Sent", when(row.sent_at)),
        ("Given up", when(row.failed_at)),
        ("Last error", row.last_error),
    ]
