"""Staff see what analytics was told of, and what it did not take."""

from typing import Any, ClassVar

from django.contrib import admin

from attribution.models import PurchaseSending
from foundation.money import Money
from foundation.sections import Facts
from foundation.staff import PageAdmin, badge, stamp, when


@admin.register(PurchaseSending)
class PurchaseSendingAdmin(PageAdmin):
    """Purchases on their way to analytics, found by the order's number."""

    list_display = ("number", "state_badge", "placed", "attempts", "is_late", "last_error")
    list_filter = ("placed_at", "is_late")
    search_help_text = "The number of the order (R1000001)."
    by_text: ClassVar = ("number",)

    @admin.display(description="state")
    def state_badge(self, row: PurchaseSending) -> str:
        """Sent, given up, or on its way."""
        if row.sent_at is not None:
            return badge("sent")
        return badge("pending" if row.failed_at is None else "failed")

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
        sending = [
            ("State", self.state_badge(row)),
            ("Tries", row.attempts),
            ("Next try", when(row.due_at) if not (row.sent_at or row.failed_at) else ""),
            ("Sent", when(row.sent_at)),
            ("Too late for its session", "yes" if row.is_late else "no"),
            ("Given up", when(row.failed_at)),
            ("Last error", row.last_error),
        ]
        return [Facts("Purchase", told), Facts("Sending", sending)]
