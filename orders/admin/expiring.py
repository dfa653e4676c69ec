"""Which holds run out next, and what will happen to them if nobody does anything."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from foundation import clock
from foundation.money import Money
from foundation.sections import Table, elapsed
from foundation.staff import PageAdmin, badge, link, page_of, when
from orders import expiry, settlement
from orders.models import Order
from payments.states import HELD

_SHOWN_MAX: Final = 50
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
    live = Order.objects.filter(payment__state__in=HELD)
    soonest = live.select_related("payment").order_by("payment__capture_before")[:_SHOWN_MAX]
    return Table(
        "Live holds",
        ("Runs out", "Order", "State", "Held", "Policy", "Will be", "At"),
        [_row(order) for order in soonest],
        numbers=("Held",),
        empty="Nothing is held.",
    )


def _row(order: Order) -> tuple[Any, ...]:
    payment = order.payment
    what, at = _next(order)
    return (
        when(payment.capture_before),
        link(page_of("order", order.pk), order.public_number),
        badge(order.state),
        Money(payment.capturable, payment.currency),
        order.settlement_policy.replace("_", " "),
        what,
        when(at),
    )


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
