"""Staff read visits; nobody edits them."""

from typing import Any, ClassVar

from django.contrib import admin

from attribution.models import Consent, Touchpoint
from foundation.desk.sections import Facts, text_of
from foundation.desk.staff import PageAdmin, choice_filter, stamp, when


@admin.register(Touchpoint)
class TouchpointAdmin(PageAdmin):
    """Visits, found by whoever came, as far as that is known."""

    list_display = ("occurred", "source", "medium", "campaign", "device", "consent")
    list_filter = (choice_filter("consent", Consent.values, title="consent"), "occurred_at")
    search_help_text = "tch_…, the customer's reference, the browser's or the session's id."
    by_reference: ClassVar = {"tch": "pk"}
    by_text: ClassVar = ("customer_reference", "browser_id", "session_id")

    @admin.display(description="occurred (UTC)", ordering="occurred_at")
    def occurred(self, row: Touchpoint) -> str:
        """When the visit began."""
        return stamp(row.occurred_at)

    def sections(self, row: Touchpoint) -> list[Any]:
        """Where it came from; whose it was, if that may be known."""
        origin = [
            ("Source / medium / campaign", f"{row.source} / {row.medium} / {row.campaign}"),
            ("Term", row.term),
            ("Content", row.content),
            ("Campaign id", row.campaign_id),
            ("Click ids", text_of(row.click_ids)),
            ("Referrer", row.referrer_host),
            ("Landing page", row.landing_page),
            ("Left out", ", ".join(row.dropped)),
        ]
        visitor = [
            ("Consent", row.consent),
            ("Customer", row.customer_reference),
            ("Browser", row.browser_id),
            ("Session", row.session_id),
            ("Device", row.device),
            ("Began", when(row.occurred_at)),
            ("Told", when(row.received_at)),
        ]
        return [Facts("Where from", origin), Facts("Whose", visitor)]
