"""Which holds run out next, and what will happen to them if nobody does anything."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from foundation import clock
from foundation.desk.sections import Table, elapsed
from foundation.desk.staff import PageAdmin, badge, link, page_of, when
from foundation.money import Money
from orders import expiry, settlement
from orders.models import Checkout, Order
from payments.models import Payment
from payments.states import HELD

_SHOWN_MAX: Final = 50
_UNDECIDED: Final = "released, unless its checkout is finished before"
_WILL_BE: Final[Mapping[str, str]] = {
    "capture": "captured",
    "reauthorize": "asked for anew",
    "release": "released; the order waits for money",
    "nothing": "nothing: the order is being canceled",
}


def page(model_admin: PageAdmin, request: HttpRequest) -> HttpResponse:
    """GET only: the next fifty, the soonest first."""
    if request.method not in ("GET", "HEAD") or not model_admin.has_view_permission(request):
        raise PermissionDenied
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "row": "Holds that run out next",
        "title": "Holds that run out next",
        "sections": [_table()],
        "media": model_admin.media,
    }
    return TemplateResponse(request, model_admin.page_template, context)


def _table() -> Table:
    """Every hold, also that of a checkout which waits for a person or for the shopper."""
    live = Payment.objects.filter(state__in=HELD).select_related("order", "checkout")
    return Table(
        "Live holds",
        ("Runs out", "Of", "State", "Held", "Policy", "Will be", "At"),
        [_row(payment) for payment in live.order_by("capture_before")[:_SHOWN_MAX]],
        numbers=("Held",),
        empty="Nothing is held.",
    )


def _row(payment: Payment) -> tuple[Any, ...]:
    of, state, policy, what, at = _whose(payment)
    held = Money(payment.capturable, payment.currency)
    return (when(payment.capture_before), of, state, held, policy, what, when(at))


def _whose(payment: Payment) -> tuple[str, str, str, str, dt.datetime | None]:
    """(link, state, policy, what will be done, when) of the order, or of who has none yet."""
    order: Order | None = getattr(payment, "order", None)
    checkout: Checkout | None = getattr(payment, "checkout", None)
    if order is not None:
        name, policy = (
            link(page_of("order", order.pk), order.public_number),
            order.settlement_policy,
        )
        return (name, badge(order.state), policy.replace("_", " "), *_next(order))
    if checkout is not None and checkout.ended_at is None:
        name = link(page_of("checkout", checkout.pk), checkout.reference)
        return name, badge(checkout.state), "", _UNDECIDED, checkout.forward_until
    name = link(page_of("payment", payment.pk), payment.reference)
    return name, badge(payment.state), "", "", None


def next_of(order: Order) -> list[tuple[str, Any]]:
    """For the order's page: how long its hold lasts, and what becomes of it. Empty without one."""
    deadline = order.payment.capture_before
    if order.payment.state not in HELD:
        return []
    left = elapsed((deadline - clock.now()).total_seconds()).removeprefix("+") if deadline else ""
    what, at = _next(order)
    return [("Hold lasts", left), ("Then it is", f"{what}, {when(at)}" if at else what)]


def _next(order: Order) -> tuple[str, dt.datetime | None]:
    """(what will be done, when): by the order's policy, or in the last hours of the hold."""
    if settlement.is_deferred(order):
        return "captured", order.settle_at
    if settlement.due(order) is not None:
        return "captured", order.next_step_at
    deadline = order.payment.capture_before
    last = deadline and deadline - dt.timedelta(seconds=settings.EXPIRY_ACT_SECONDS)
    return _WILL_BE[expiry.plan(order)], last
