"""Staff read settlement reports and their lines, and bring a file. Nobody changes either."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, reverse

from foundation.desk import uploads
from foundation.desk.staff import ReadOnlyAdmin, choice_filter, link, page_of, stamp
from foundation.ids import public
from foundation.money import Money
from reconciliation.admin.upload import REPORTS
from reconciliation.models import SettlementLine, SettlementReport


@admin.register(SettlementReport)
class SettlementReportAdmin(ReadOnlyAdmin):
    """Which reports were read, of which time, and how much of each was new."""

    change_list_template = "reconciliation/admin/report_list.html"
    list_display = ("name", "account", "origin", "since", "until", "line_count", "new_line_count",
                    "ingested", "ingested_by")  # fmt: skip
    list_filter = (
        choice_filter("origin", SettlementReport.Origin.values, title="origin"),
        "ingested_at",
    )
    fields = ("reference", "account", "origin", "name", "format", "sha256", "since", "until",
              "line_count", "new_line_count", "its_lines", "ingested", "ingested_by")  # fmt: skip
    search_help_text = "The report (set_…), its account, or its SHA-256."
    by_reference: ClassVar = {"set": "pk"}
    by_text = ("account", "sha256")

    @admin.display(description="from (UTC)", ordering="begins_at")
    def since(self, row: SettlementReport) -> str:
        """When what it tells of begins."""
        return stamp(row.begins_at)

    @admin.display(description="until (UTC)", ordering="ends_at")
    def until(self, row: SettlementReport) -> str:
        """When what it tells of ends, exclusive."""
        return stamp(row.ends_at)

    @admin.display(description="read (UTC)", ordering="ingested_at")
    def ingested(self, row: SettlementReport) -> str:
        """When it came into the books."""
        return stamp(row.ingested_at)

    @admin.display(description="lines")
    def its_lines(self, row: SettlementReport) -> str:
        """Those that no earlier report had told."""
        url = reverse("admin:reconciliation_settlementline_changelist")
        return link(f"{url}?q={row.reference}", f"{row.new_line_count} that it told first")

    def get_urls(self) -> list[URLPattern]:
        """With the page on which a file is brought."""
        return [uploads.route(self, REPORTS), *super().get_urls()]


@admin.register(SettlementLine)
class SettlementLineAdmin(ReadOnlyAdmin):
    """Every line that was told, found by the ids it carries."""

    list_display = ("external_id", "category", "gross_money", "fee_money", "net_money", "happened",
                    "payment_link", "account")  # fmt: skip
    list_filter = (
        choice_filter("category", SettlementLine.Category.values, title="category"),
        "occurred_at",
    )
    fields = ("external_id", "account", "report", "number", "category", "gross_money", "fee_money",
              "net_money", "happened", "available_on", "payment_link", "processor_reference",
              "payment_reference", "source_id", "payout_id", "digest", "raw")  # fmt: skip
    search_help_text = (
        "The line's id (txn_…), the payment's (pay_…, pi_…), the payout's (po_…), or the report"
        " (set_…)."
    )
    by_reference: ClassVar = {"pay": "payment_id", "set": "report_id"}
    by_text = ("external_id", "processor_reference", "source_id", "payout_id")

    @admin.display(description="gross")
    def gross_money(self, row: SettlementLine) -> Money:
        """What moved."""
        return Money(row.gross, row.currency)

    @admin.display(description="fee")
    def fee_money(self, row: SettlementLine) -> Money:
        """What the processor kept of it."""
        return Money(row.fee, row.currency)

    @admin.display(description="net")
    def net_money(self, row: SettlementLine) -> Money:
        """What our balance changed by."""
        return Money(row.net, row.currency)

    @admin.display(description="happened (UTC)", ordering="occurred_at")
    def happened(self, row: SettlementLine) -> str:
        """By the processor's clock."""
        return stamp(row.occurred_at)

    @admin.display(description="payment")
    def payment_link(self, row: SettlementLine) -> str:
        """The payment of ours that the line names."""
        if row.payment_id is None:
            return ""
        return link(page_of("payment", row.payment_id), public("pay", row.payment_id))

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without the raw row, which only a line's own page shows."""
        return super().get_queryset(request).defer("raw")
