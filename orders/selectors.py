"""Reads: always through what the caller may see."""

from django.db.models import QuerySet

from foundation.authentication import Principal
from foundation.lookup import visible
from orders.models import Checkout, Order


def checkouts(principal: Principal) -> QuerySet[Checkout]:
    """The caller's checkouts, with what their shape needs."""
    rows = Checkout.objects.select_related("payment").prefetch_related("order__lines")
    return visible(rows, principal)


def orders(principal: Principal) -> QuerySet[Order]:
    """The caller's orders, with what their shape needs."""
    rows = Order.objects.select_related("payment", "checkout", "attribution")
    return visible(rows.prefetch_related("lines", "fulfillments"), principal)
