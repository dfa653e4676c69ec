"""Staff read the ledger: its lines, payouts, and the report. Nobody edits it."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html

from foundation.desk.sections import Facts, Table
from foundation.desk.staff import (
    PageAdmin,
    ReadOnlyAdmin,
    badge,
    choice_filter,
    link,
    page_of,
    stamp,
    when,
)
from foundation.money import Money
from payments.admin.ledger_report import report
from payments.models import LedgerLine, Payment, Payout
from payments.postings import ACCOUNTS, KINDS


@admin.register(LedgerLine)
class LedgerLineAdmin(ReadOnlyAdmin):
    """Every line, found by its payment, its entry or its account."""

    change_list_template = "payments/admin/ledger_list.html"
    list_display = ("posted", "kind", "account", "money", "origin", "name", "description")
    list_filter = (
        choice_filter("account", ACCOUNTS, title="account"),
        choice_filter("kind", KINDS, title="kind"),
        "posted_at",
    )
    fields = ("name", "kind", "origin", "account", "money", "posted_at", "description")
    search_help_text = "pay_…, the entry (ent_…), the payout (po_…), or the name of an account."
    by_reference: ClassVar = {"pay": "payment_id", "ent": "entry", "po": "payout_id"}
    by_text = ("account",)

    @admin.display(description="entry", ordering="entry")
    def name(self, row: LedgerLine) -> str:
        """The public id of its entry."""
        return format_html('<span class="reference">{}</span>', row.entry_reference)

    @admin.display(description="posted (UTC)", ordering="posted_at")
    def posted(self, row: LedgerLine) -> str:
        """When the money moved."""
        return stamp(row.posted_at)

    @admin.display(description="amount", ordering="amount")
    def money(self, row: LedgerLine) -> Money:
        """A debit above zero, a credit below."""
        return Money(row.amount, row.currency)

    @admin.display(description="of")
    def origin(self, row: LedgerLine) -> str:
        """A link to what moved."""
        kind, row_id = ("payment", row.payment_id) if row.payment_id else ("payout", row.payout_id)
        return link(page_of(kind, row_id), kind)

    def get_urls(self) -> list[URLPattern]:
        """The report stands beside the list."""
        view = self.admin_site.admin_view(self.report_view)
        return [path("report/", view, name="payments_ledgerline_report"), *super().get_urls()]

    def report_view(self, request: HttpRequest) -> HttpResponse:
        """Balances, and what is open since when."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "row": "Balances and open items",
            "title": "Ledger",
            "media": self.media,
            "sections": report(),
        }
        return TemplateResponse(request, "foundation/admin/page.html", context)


@admin.register(Payout)
class PayoutAdmin(PageAdmin):
    """What the processor paid out, with its entries."""

    list_display = ("processor_reference", "state_badge", "money", "arrives_on", "created_at")
    list_filter = (choice_filter("state", ("paid", "failed"), title="state"), "created_at")
    search_help_text = "The payout: our id of it (po_…), or the processor's (po_…)."
    by_reference: ClassVar = {"po": "pk"}
    by_text = ("processor_reference",)

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: Payout) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="amount", ordering="amount")
    def money(self, row: Payout) -> Money:
        """What reached our bank, or left it."""
        return Money(row.amount, row.currency)

    def sections(self, row: Payout) -> list[Any]:
        """The payout, and its lines."""
        facts = [
            ("State", badge(row.state)),
            ("Amount", Money(row.amount, row.currency)),
            ("Processor", f"{row.processor} {row.processor_reference}"),
            ("Arrives on", row.arrives_on),
            ("Told", when(row.created_at)),
        ]
        return [Facts("Payout", facts), lines_table(row.ledger_lines.order_by("posted_at", "pk"))]


def lines_of(payment: Payment) -> Table:
    """A payment's lines in the ledger, for its own page."""
    return lines_table(payment.ledger_lines.order_by("posted_at", "entry", "-amount"))


def lines_table(rows: Any) -> Table:
    """Lines as they were posted."""
    return Table(
        "Ledger",
        ("When", "Kind", "Account", "Amount"),
        [
            (when(row.posted_at), row.kind, row.account, Money(row.amount, row.currency))
            for row in rows
        ],
        numbers=("Amount",),
        empty="Nothing was posted.",
    )
