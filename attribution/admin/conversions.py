"""Staff read what analytics counted, and which files and requests it came in."""

from typing import Any, ClassVar

from django.contrib import admin
from django.urls import URLPattern

from attribution.admin.upload import CONVERSIONS
from attribution.models import Conversion, ConversionBatch
from foundation.desk import uploads
from foundation.desk.sections import Facts
from foundation.desk.staff import PageAdmin, link, page_of, stamp, when
from foundation.money import Money


@admin.register(Conversion)
class ConversionAdmin(PageAdmin):
    """Sales as analytics counted them, found by the order's number."""

    list_display = ("occurred", "transaction_id", "money", "source", "medium", "campaign")
    list_filter = ("occurred_at", "is_test")
    search_help_text = "The number of the order (R1000001)."
    by_text: ClassVar = ("transaction_id",)

    @admin.display(description="occurred (UTC)", ordering="occurred_at")
    def occurred(self, row: Conversion) -> str:
        """When it was counted."""
        return stamp(row.occurred_at)

    @admin.display(description="value", ordering="amount")
    def money(self, row: Conversion) -> Money:
        """What it was counted as."""
        return Money(row.amount, row.currency)

    def sections(self, row: Conversion) -> list[Any]:
        """The sale, and where analytics says it came from."""
        facts = [
            ("Transaction", row.transaction_id),
            ("Value", Money(row.amount, row.currency)),
            ("Tax", Money(row.tax_amount, row.currency)),
            ("Shipping", Money(row.shipping_amount, row.currency)),
            ("Source / medium / campaign", f"{row.source} / {row.medium} / {row.campaign}"),
            ("Test", "yes" if row.is_test else "no"),
            ("Occurred", when(row.occurred_at)),
            ("Told", when(row.received_at)),
            ("Came with", link(page_of("conversionbatch", row.batch_id), str(row.batch))),
        ]
        return [Facts("Conversion", facts)]


@admin.register(ConversionBatch)
class ConversionBatchAdmin(PageAdmin):
    """Files and requests."""

    change_list_template = "attribution/admin/batch_list.html"
    list_display = ("created", "__str__", "rows")
    list_filter = ("created_at",)
    search_help_text = "cvb_…, or the file's name."
    by_reference: ClassVar = {"cvb": "pk"}
    by_text: ClassVar = ("file_name",)

    @admin.display(description="came (UTC)", ordering="created_at")
    def created(self, row: ConversionBatch) -> str:
        """When it came."""
        return stamp(row.created_at)

    def get_urls(self) -> list[URLPattern]:
        """With the page on which a file is brought."""
        return [uploads.route(self, CONVERSIONS), *super().get_urls()]

    def sections(self, row: ConversionBatch) -> list[Any]:
        """What it was, and how much."""
        facts = [
            ("File", row.file_name or "none: by the API"),
            ("SHA-256", bytes(row.digest).hex() if row.digest else ""),
            ("Rows", row.rows),
            ("Came", when(row.created_at)),
        ]
        return [Facts("Batch", facts)]
