"""Staff see payments and their steps; with the permission, they release a hold, on the record."""

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html

from foundation.desk import confirm
from foundation.desk.confirm import Question
from foundation.desk.sections import Facts, Table, Timeline
from foundation.desk.staff import (
    PageAdmin,
    action_url,
    badge,
    choice_filter,
    link,
    page_of,
    pages_pointing_at,
    stamp,
    when,
)
from foundation.money import Money
from payments import timeline
from payments.admin.about import disputes_of, told_of
from payments.admin.ledger import lines_of
from payments.admin.releasing import VERB, release_or_ask, why_not, wish
from payments.models import Payment
from payments.states import PAYMENT


def amounts(payment: Payment) -> list[tuple[str, Any]]:
    """The payment in pairs, for its own page and for its order's."""
    card = f"{payment.card_brand} •••• {payment.card_last4}" if payment.card_last4 else ""
    fold = ("authorized", "captured", "voided", "refunded")
    return [
        ("State", badge(payment.state)),
        ("Asked for", Money(payment.amount, payment.currency)),
        *(
            (name.capitalize(), Money(value, payment.currency))
            for name in fold
            if (value := getattr(payment, f"{name}_amount"))
        ),
        ("Capture before", when(payment.capture_before)),
        ("Card", card),
        ("Decline code", payment.decline_code),
        ("Processor", f"{payment.processor} {payment.processor_reference}"),
    ]


def steps(payment: Payment | None) -> Table:
    """Every step at the processor, with who made it."""
    rows = [] if payment is None else payment.transactions.order_by("pk")
    return Table(
        "Payment transactions",
        ("When", "Step", "Outcome", "Amount", "Processor reference", "By"),
        [
            (
                when(step.created_at),
                step.kind,
                badge("succeeded" if step.succeeded else "failed")
                if step.succeeded or not step.error_code
                else format_html("{} {}", badge("failed"), step.error_code),
                Money(step.amount, step.currency),
                step.processor_reference,
                step.actor,
            )
            for step in rows
        ],
        numbers=("Amount",),
        empty="Nothing happened at the processor.",
    )


@admin.register(Payment)
class PaymentAdmin(PageAdmin):
    """Payments: found by their id, the processor's, or the checkout's."""

    list_display = ("name", "state_badge", "money", "card", "processor_reference", "created")
    list_filter = (
        choice_filter("state", sorted(PAYMENT.states), title="state"),
        choice_filter("currency", ("USD", "EUR", "GBP", "JPY", "KWD"), title="currency"),
        "created_at",
    )
    search_help_text = (
        "pay_…, the processor's reference (pi_…, of a refund re_…, of a dispute du_…), or the"
        " checkout (chk_…)."
    )
    by_reference: ClassVar = {
        "pay": "pk", "chk": "stream", "txn": "transactions", "rfd": "refunds", "dsp": "disputes",
    }  # fmt: skip
    by_text = (
        "processor_reference", "refunds__processor_reference", "disputes__processor_reference",
    )  # fmt: skip

    @admin.display(description="payment")
    def name(self, row: Payment) -> str:
        """The public id."""
        return format_html('<span class="reference">{}</span>', row.reference)

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: Payment) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="amount", ordering="amount")
    def money(self, row: Payment) -> Money:
        """What was asked for."""
        return Money(row.amount, row.currency)

    @admin.display(description="card")
    def card(self, row: Payment) -> str:
        """Brand and last four digits."""
        return f"{row.card_brand} {row.card_last4}".strip() or "—"

    @admin.display(description="created (UTC)", ordering="created_at")
    def created(self, row: Payment) -> str:
        """When it was opened."""
        return stamp(row.created_at)

    def sections(self, row: Payment) -> list[Any]:
        """Amounts, what it is for, its steps at the processor, and what happened to it."""
        reason = why_not(row)
        note = f"It can not be voided. {reason}" if reason else ""
        return [
            Facts("Payment", amounts(row), note=note),
            Facts("Belongs to", _belongs_to(row)),
            steps(row),
            lines_of(row),
            *disputes_of(row),
            told_of(row),
            Timeline(timeline.of_payment(row, for_staff=True)),
        ]

    def buttons(self, request: HttpRequest, row: Payment) -> list[tuple[str, str]]:
        """Void, for those who may, while there is a hold to release."""
        if not _may_void(request) or why_not(row):
            return []
        return [(f"{VERB}…", action_url(self, "void", row))]

    def get_urls(self) -> list[URLPattern]:
        """The void stands on its own address: Django's form views wrap theirs in a transaction."""
        view = self.admin_site.admin_view(self.void_view)
        return [
            path("<str:object_id>/void/", view, name="payments_payment_void"),
            *super().get_urls(),
        ]

    def void_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET asks, POST releases the hold and says truthfully what became of it."""
        if not _may_void(request):
            raise PermissionDenied
        payment: Payment | None = self.found(request, object_id)
        if payment is None:
            return self.missing(request, object_id)
        return confirm.once(
            request,
            self.page_context(request, payment),
            _question(payment),
            seen=[str(payment.pk), payment.lease_token],  # every claim takes a new one
            why_not=why_not(payment),
            do=partial(release_or_ask, request, payment),
        )


def _belongs_to(row: Payment) -> list[tuple[str, Any]]:
    """What stands on it, and the hold before or after it when one took another's place."""
    before = row.replaces
    return [
        *(
            (name.capitalize().replace("_", " "), url)
            for name, url in pages_pointing_at(row).items()
        ),
        *([("Replaces", link(page_of("payment", before.pk), before.reference))] if before else []),
        ("Payment", row.reference),
        ("Method", row.payment_method),
        ("Opened", when(row.created_at)),
        ("Look-ups", row.look_ups),
    ]


def _may_void(request: HttpRequest) -> bool:
    return request.user.has_perm("payments.void_payment")


def _question(payment: Payment) -> Question:
    amount = Money(payment.authorized_amount, payment.currency)
    order = pages_pointing_at(payment).get("order", "")
    facts = [("Order", order), ("Payment", payment.reference), *amounts(payment)]
    return Question(
        verb=VERB,
        text=f"Void this payment of {amount}?",
        facts=Facts("Payment", facts),
        consequence=(
            f"The hold of {amount} is released, the order is canceled and its stock returned."
            " This can not be undone: to take the money after all, the customer must pay again."
            f"{wish(payment).note}"
        ),
    )
