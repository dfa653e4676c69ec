"""The order page: lines, money, shipments, where it came from, and one timeline of it all."""

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from foundation import ids
from foundation.desk.sections import Facts, Table, Timeline, text_of
from foundation.desk.staff import (
    PageAdmin,
    action_url,
    badge,
    choice_filter,
    link,
    page_of,
    stamp,
    when,
)
from foundation.money import Money
from orders import selectors
from orders.admin import bulk, deeds, expiring, goods_deeds, mails, money_deeds, notes, story
from orders.admin.shown import address, open_cases, percent, reservations
from orders.models import Order
from orders.states import ORDER
from payments.admin import amounts, disputes_of, steps
from payments.models import Payment
from payments.states import PAYMENT

_BIGINT_DIGITS = 18
DEEDS: Final = (*money_deeds.DEEDS, *goods_deeds.DEEDS, *mails.DEEDS, *notes.DEEDS)
deeds.register(DEEDS)


@admin.register(Order)
class OrderAdmin(PageAdmin):
    """Orders: found by whatever a customer, a colleague or the processor names."""

    actions = ("void_payments",)
    change_list_template = "orders/admin/order_list.html"
    list_display = (
        "number_text",
        "state_badge",
        "payment_badge",
        "total",
        "email",
        "placed",
    )
    list_filter = (
        choice_filter("state", sorted(ORDER.states), title="state"),
        choice_filter("payment__state", sorted(PAYMENT.states), title="payment"),
        "placed_at",
    )
    list_select_related = ("payment",)
    search_help_text = (
        "R1000001, ord_…, chk_…, pay_…, the start of an e-mail address, a customer reference,"
        " a cart id, or the processor's reference (pi_…)."
    )
    page_related = ("payment", "checkout", "attribution")
    by_reference: ClassVar = {
        "ord": "pk", "chk": "checkout_id", "pay": "payment_id", "ful": "fulfillments",
    }  # fmt: skip
    # What the checkout has too is looked up there, where it has an index for other reasons.
    by_text = (
        "checkout__customer_reference", "checkout__cart_id", "payment__processor_reference",
        "checkout__payment__processor_reference",
    )  # fmt: skip
    by_start = ("email",)

    def looks(self, term: str) -> list[Q]:
        """The number on the confirmation, any of its payments, or what the others are found by."""
        digits = term[1:] if term[:1] in ("R", "r") else ""
        if digits.isascii() and digits.isdecimal() and len(digits) <= _BIGINT_DIGITS:
            return [Q(number=int(digits))]
        payment = ids.parse("pay", term)
        if payment is not None:  # also one that another took the place of
            stories = Payment.objects.filter(pk=payment).values("stream")
            return [Q(checkout_id__in=stories)]
        return super().looks(term)

    @admin.display(description="order", ordering="number")
    def number_text(self, row: Order) -> str:
        """The number for people."""
        return row.public_number

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: Order) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="payment", ordering="payment__state")
    def payment_badge(self, row: Order) -> str:
        """The payment's state, colored."""
        return badge(row.payment.state)

    @admin.display(description="total", ordering="total_amount")
    def total(self, row: Order) -> Money:
        """What the customer owes or paid."""
        return Money(row.total_amount, row.currency)

    @admin.display(description="placed (UTC)", ordering="placed_at")
    def placed(self, row: Order) -> str:
        """When it was placed."""
        return stamp(row.placed_at)

    def buttons(self, request: HttpRequest, row: Order) -> list[tuple[str, str]]:
        """What may be done with it, and with its payment."""
        payments = self.admin_site.get_model_admin(type(row.payment))
        of_payment = (
            payments.buttons(request, row.payment) if isinstance(payments, PageAdmin) else []
        )
        letters = ("E-mails", action_url(self, "mails", row))
        return [*deeds.buttons(self, request, row, DEEDS), *of_payment, letters]

    def get_urls(self) -> list[URLPattern]:
        """Deeds stand on addresses of their own: Django's form views hold a transaction."""
        expiring_view = self.admin_site.admin_view(self.expiring_view)
        return [
            path("expiring/", expiring_view, name="orders_order_expiring"),
            path(
                "<str:object_id>/mails/",
                self.admin_site.admin_view(self.mails_view),
                name="orders_order_mails",
            ),
            *deeds.routes(self, DEEDS),
            *super().get_urls(),
        ]

    def expiring_view(self, request: HttpRequest) -> HttpResponse:
        """Which holds run out next, and what will happen to them."""
        return expiring.page(self, request)

    def mails_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Every mail of an order, in the words that are sent; nothing is sent by looking."""
        return mails.page(self, request, object_id)

    @admin.action(description="Void the payments of the selected orders…", permissions=["void"])
    def void_payments(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Asks first; then each hold is released by itself, with a result of its own."""
        return bulk.ask_or_begin(self, request, queryset)

    def has_void_permission(self, request: HttpRequest) -> bool:
        """Whether this person may release holds."""
        return request.user.has_perm("payments.void_payment")

    def sections(self, row: Order) -> list[Any]:
        """Everything about one order."""
        return [
            *open_cases([row.pk, row.checkout_id, row.payment_id]),
            *disputes_of(row.payment),
            _lines(row),
            Facts("Order", _facts(row)),
            Facts("Customer", _customer(row)),
            Facts("Payment", _payment(row)),
            Facts("Attribution", _attribution(row)),
            *_cancellation(row),
            steps(row.payment),
            _fulfillments(row),
            reservations(row.checkout),
            mails.table(row),
            notes.of(row),
            Timeline(story.of_order(row)),
        ]


def _lines(row: Order) -> Table:
    def money(amount: int) -> Money:
        return Money(amount, row.currency)

    return Table(
        "Lines",
        ("SKU", "Title", "Quantity", "Unit price", "Tax", "Net", "Line tax"),
        [
            (
                line.sku, line.title, line.quantity, money(line.unit_amount),
                f"{percent(line.tax_rate_ppm)} {'included' if line.tax_inclusive else 'on top'},"
                f" {line.tax_jurisdiction}",
                money(line.net_amount), money(line.tax_amount),
            )
            for line in row.lines.all()
        ],
        numbers=("Quantity", "Unit price", "Net", "Line tax"),
        foot=[
            ("Subtotal", money(row.subtotal_amount)),
            ("Shipping", money(row.shipping_amount)),
            ("Tax", money(row.tax_amount)),
            ("Total", money(row.total_amount)),
        ],
    )  # fmt: skip


def _facts(row: Order) -> list[tuple[str, Any]]:
    return [
        ("Number", row.public_number),
        ("Order", row.reference),
        ("Checkout", link(page_of("checkout", row.checkout_id), row.checkout.reference)),
        ("Cart", row.cart_id),
        ("Placed", when(row.placed_at)),
        ("Settlement", row.settlement_policy.replace("_", " ")),
        ("Not before", when(row.settle_at)),
        ("Next step due", when(row.next_step_at)),
        ("Restarts", row.stalls),
        ("Metadata", text_of(row.metadata)),
    ]


def _customer(row: Order) -> list[tuple[str, Any]]:
    return [
        ("E-mail", row.email),
        ("Reference", row.customer_reference),
        ("Shipping", row.shipping_method),
        ("Ships to", address(row.shipping_address)),
        ("Billed to", address(row.billing_address)),
    ]


def _payment(row: Order) -> list[tuple[str, Any]]:
    payment = row.payment
    return [
        ("Payment", link(page_of("payment", payment.pk), payment.reference)),
        *amounts(payment),
        *expiring.next_of(row),
    ]


def _cancellation(row: Order) -> list[Facts]:
    found = selectors.cancellation_of(row)
    if found is None:
        return []
    pairs = [
        ("State", badge(found.state)),
        ("By", found.actor),
        ("Because", found.reason),
        ("The money", found.payment_action.replace("_", " ")),
        ("Came as far as", found.recovery_point),
        ("Tries", found.tries),
        ("Last heard", found.last_error),
        ("Asked for", when(found.started_at)),
        ("Ended", when(found.ended_at)),
    ]
    return [Facts("Cancellation", pairs)]


def _fulfillments(row: Order) -> Table:
    shipments = row.fulfillments.order_by("sequence").prefetch_related("lines__order_line")
    return Table(
        "Fulfillments",
        ("Fulfillment", "State", "Contains", "Carrier", "Created", "Shipped", "Delivered"),
        [
            (
                shipment.reference,
                badge(shipment.state),
                goods_deeds.contents(shipment),
                f"{shipment.carrier} {shipment.tracking_number}".strip(),
                when(shipment.created_at),
                when(shipment.shipped_at),
                when(shipment.delivered_at),
            )
            for shipment in shipments
        ],
    )


def _attribution(row: Order) -> list[tuple[str, Any]]:
    seen = row.attribution
    return [
        ("Source", seen.source),
        ("Medium", seen.medium),
        ("Campaign", seen.campaign),
        ("Term, content", " / ".join(filter(None, (seen.term, seen.content)))),
        ("Click ids", text_of(seen.click_ids)),
        ("Referrer", seen.referrer_host),
        ("Landing page", seen.landing_page),
        ("Session", seen.session_id),
        ("Client id", seen.client_id),
        ("Consent", seen.consent),
        ("Captured", when(seen.captured_at)),
    ]
