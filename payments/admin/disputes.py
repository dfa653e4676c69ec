"""Staff see disputes, what is due next first: evidence is handed in at the processor, in time."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Case, F, Value, When
from django.utils.html import format_html

from foundation.desk.sections import Facts, Timeline
from foundation.desk.staff import PageAdmin, badge, choice_filter, link, page_of, stamp, when
from foundation.money import Money
from payments.admin.about import moves_of, time_left
from payments.admin.payments import steps
from payments.models import Dispute, Payment
from payments.states import DISPUTE

_OPEN_FIRST = Case(When(state="open", then=Value(0)), default=Value(1))


@admin.register(Dispute)
class DisputeAdmin(PageAdmin):
    """Disputes: the open ones first, by the moment their evidence is due."""

    list_display = (
        "name", "state_badge", "due", "left", "money", "reason", "kind", "payment_link", "opened",
    )  # fmt: skip
    list_filter = (
        choice_filter("state", sorted(DISPUTE.states), title="state"),
        choice_filter("currency", ("USD", "EUR", "GBP", "JPY", "KWD"), title="currency"),
        "opened_at",
    )
    list_select_related = ("payment",)
    page_related = ("payment",)
    ordering = (_OPEN_FIRST, F("evidence_due_by").asc(nulls_last=True), "-pk")
    search_help_text = "dsp_…, the processor's id (du_…), or the payment (pay_…)."
    by_reference: ClassVar = {"dsp": "pk", "pay": "payment"}
    by_text = ("processor_reference",)

    @admin.display(description="dispute")
    def name(self, row: Dispute) -> str:
        """The public id."""
        return format_html('<span class="reference">{}</span>', row.reference)

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: Dispute) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="evidence due (UTC)", ordering="evidence_due_by")
    def due(self, row: Dispute) -> str:
        """Until when it must be answered."""
        return stamp(row.evidence_due_by)

    @admin.display(description="left")
    def left(self, row: Dispute) -> str:
        """How much time there is."""
        return time_left(row)

    @admin.display(description="amount", ordering="amount")
    def money(self, row: Dispute) -> Money:
        """What the bank disputes."""
        return Money(row.amount, row.currency)

    @admin.display(description="kind")
    def kind(self, row: Dispute) -> str:
        """Whether it took money."""
        return "inquiry" if row.is_inquiry else "dispute"

    @admin.display(description="payment")
    def payment_link(self, row: Dispute) -> str:
        """What is disputed."""
        return link(page_of("payment", row.payment_id), row.payment.reference)

    @admin.display(description="opened (UTC)", ordering="opened_at")
    def opened(self, row: Dispute) -> str:
        """When we first saw it."""
        return stamp(row.opened_at)

    def sections(self, row: Dispute) -> list[Any]:
        """What is disputed, until when to answer, and what it moved."""
        note = "An inquiry moves no money as long as it is answered." if row.is_inquiry else ""
        return [
            Facts("Dispute", _facts(row), note=note),
            Facts("Payment", _payment(row.payment)),
            steps(row.payment),
            Timeline([_opening(row), *moves_of(row)]),
        ]


def _facts(row: Dispute) -> list[tuple[str, Any]]:
    return [
        ("State", badge(row.state)),
        ("At the processor", f"{row.processor_reference} ({row.processor_status})"),
        ("Amount", Money(row.amount, row.currency)),
        ("Reason", row.reason),
        ("Evidence due", when(row.evidence_due_by)),
        ("Time left", time_left(row)),
        ("Opened", when(row.opened_at)),
        ("Closed", when(row.closed_at)),
    ]


def _payment(row: Payment) -> list[tuple[str, Any]]:
    return [
        ("Payment", link(page_of("payment", row.pk), row.reference)),
        ("State", badge(row.state)),
        ("Captured", Money(row.captured_amount, row.currency)),
        ("Refunded", Money(row.refunded_amount, row.currency)),
        ("Charged back", Money(row.charged_back_amount, row.currency)),
    ]


def _opening(row: Dispute) -> dict[str, Any]:
    return {"at": row.opened_at.isoformat(), "kind": "state", "what": "opened"}
