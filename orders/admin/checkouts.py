"""The checkout page: how far an attempt to buy came, why, and what staff may decide about it."""

import datetime as dt
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html

from foundation import ids
from foundation.desk.sections import Facts, Table, Timeline, text_of
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
from foundation.models import IdempotencyKey
from foundation.money import Money
from orders.admin import reviews, story, stuck
from orders.admin.shown import address, open_cases, reservations
from orders.checkout.pay import KIND
from orders.models import Checkout
from orders.states import CHECKOUT
from payments.admin import steps
from payments.models import Payment


@admin.register(Checkout)
class CheckoutAdmin(PageAdmin):
    """Attempts to buy, those that came to nothing too."""

    list_display = ("name", "state_badge", "total", "risk_badge", "started", "email", "cart_id")
    list_filter = (
        choice_filter("state", sorted(CHECKOUT.states), title="state"),
        stuck.UnendedFilter,
        choice_filter("risk_outcome", ("accept", "review", "reject"), title="risk"),
        "started_at",
    )
    search_help_text = (
        "chk_…, ord_…, pay_…, the start of an e-mail address, a customer reference, a cart id,"
        " the processor's reference (pi_…), or an idempotency key."
    )
    page_related = ("payment",)
    by_reference: ClassVar = {"chk": "pk", "ord": "order_id", "pay": "payment"}
    by_text = ("customer_reference", "cart_id", "payment__processor_reference")
    by_start = ("email",)

    def looks(self, term: str) -> list[Q]:
        """Also the key it was asked for with, and a payment that took the place of its own."""
        payment = ids.parse("pay", term)
        if payment is not None:
            return [Q(pk__in=Payment.objects.filter(pk=payment).values("stream"))]
        keys = IdempotencyKey.objects.filter(key=term, subject_kind=KIND)
        return [*super().looks(term), Q(pk__in=keys.values("subject_id"))]

    @admin.display(description="checkout")
    def name(self, row: Checkout) -> str:
        """The public id."""
        return format_html('<span class="reference">{}</span>', row.reference)

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: Checkout) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="total", ordering="total_amount")
    def total(self, row: Checkout) -> Money:
        """What it comes to."""
        return Money(row.total_amount, row.currency)

    @admin.display(description="risk", ordering="risk_outcome")
    def risk_badge(self, row: Checkout) -> str:
        """What fraud screening said."""
        return badge(row.risk_outcome)

    @admin.display(description="started (UTC)", ordering="started_at")
    def started(self, row: Checkout) -> str:
        """When the shopper pressed Pay."""
        return stamp(row.started_at)

    def sections(self, row: Checkout) -> list[Any]:
        """Everything about one attempt to buy."""
        return [
            *open_cases([row.pk, row.payment_uuid]),
            Facts("Checkout", [*_facts(row), *stuck.why(row)]),
            Facts("Customer", _customer(row)),
            Facts("Risk", _risk(row)),
            Facts("Links", _links(row)),
            _reasons(row),
            _lines(row),
            steps(row.payment),
            _step_log(row),
            reservations(row),
            _keys(row),
            Timeline(story.of_checkout(row)),
        ]

    def buttons(self, request: HttpRequest, row: Checkout) -> list[tuple[str, str]]:
        """Approve and reject while it waits for them, take up when nobody came for it."""
        open_ones = []
        if reviews.may_decide(request) and reviews.is_waiting(row):
            open_ones = [(f"{v}…", action_url(self, v.lower(), row)) for v in reviews.VERBS]
        if stuck.may_take_up(request) and stuck.is_stuck(row):
            open_ones.append((f"{stuck.VERB}…", action_url(self, "resume", row)))
        return open_ones

    def get_urls(self) -> list[URLPattern]:
        """Decisions stand on addresses of their own: Django's form views hold a transaction."""
        decisions = [
            path(
                f"<str:object_id>/{verb.lower()}/",
                self.admin_site.admin_view(self.decide_view),
                {"verb": verb},
                name=f"orders_checkout_{verb.lower()}",
            )
            for verb in reviews.VERBS
        ]
        view = self.admin_site.admin_view(self.resume_view)
        resume = path("<str:object_id>/resume/", view, name="orders_checkout_resume")
        return [resume, *decisions, *super().get_urls()]

    def resume_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET asks, POST runs it from where it stands."""
        return stuck.answer(self, request, object_id)

    def decide_view(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        """GET asks, POST decides."""
        return reviews.answer(self, request, object_id, verb)


def _facts(row: Checkout) -> list[tuple[str, Any]]:
    def money(amount: int) -> Money:
        return Money(amount, row.currency)

    return [
        ("State", badge(row.state)),
        ("Subtotal", money(row.subtotal_amount)),
        ("Shipping", money(row.shipping_amount)),
        ("Tax", money(row.tax_amount)),
        ("Total", money(row.total_amount)),
        ("Came as far as", row.recovery_point),
        ("Goes", row.direction),
        ("Refusal", (row.refusal or {}).get("detail", "")),
        ("Started", when(row.started_at)),
        ("Goes on until", when(row.forward_until)),
        ("Ended", when(row.ended_at)),
    ]


def _customer(row: Checkout) -> list[tuple[str, Any]]:
    return [
        ("E-mail", row.email),
        ("Reference", row.customer_reference),
        ("Cart", row.cart_id),
        ("IP address", row.ip),
        ("Browser", row.user_agent),
        ("Shipping", row.shipping_method),
        ("Ships to", address(row.shipping_address)),
        ("Billed to", address(row.billing_address)),
        ("Attribution", text_of(row.attribution)),
        ("Metadata", text_of(row.metadata)),
    ]


def _risk(row: Checkout) -> list[tuple[str, Any]]:
    return [
        ("Outcome", badge(row.risk_outcome)),
        ("Score", row.risk.get("score")),
        ("Decision of staff", badge(row.review_decision)),
    ]


def _links(row: Checkout) -> list[tuple[str, Any]]:
    order = pages_pointing_at(row).get("order", "")
    payment = "" if row.payment is None else row.payment.reference
    return [
        ("Checkout", row.reference),
        ("Order", order),
        ("Payment", link(page_of("payment", row.payment_id), payment) if payment else ""),
        ("Request", row.request_id),
    ]


def _reasons(row: Checkout) -> Table:
    return Table(
        "Risk reasons",
        ("Rule", "Says", "Because"),
        [
            (reason["code"].replace("_", " "), badge(reason["outcome"]), reason["detail"])
            for reason in row.risk.get("reasons", [])
        ],
        empty="Nothing spoke against it.",
    )


def _lines(row: Checkout) -> Table:
    return Table(
        "Lines",
        ("SKU", "Title", "Quantity", "Unit price"),
        [
            (
                line["sku"],
                line["title"],
                line["quantity"],
                Money(line["unit_amount"], row.currency),
            )
            for line in row.lines
        ],
        numbers=("Quantity", "Unit price"),
    )


def _step_log(row: Checkout) -> Table:
    return Table(
        "Steps",
        ("When", "Step"),
        [(when(dt.datetime.fromisoformat(step["at"])), step["step"]) for step in row.step_log],
        width="half",
    )


def _keys(row: Checkout) -> Table:
    keys = IdempotencyKey.objects.filter(subject_id=row.pk).order_by("pk")
    return Table(
        "Idempotency keys",
        ("Key", "State", "Answered", "Lease until", "Runs"),
        [
            (
                link(page_of("idempotencykey", key.pk), key.key),
                badge(key.state),
                key.response_status,
                when(key.leased_until),
                key.lease_token,
            )
            for key in keys
        ],
        numbers=("Runs",),
    )
