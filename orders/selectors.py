"""Reads: always through what the caller may see."""

import uuid

from django.db.models import QuerySet

from foundation.authentication import Principal
from foundation.lookup import visible
from orders.models import Cancellation, Checkout, Fulfillment, Order


def checkouts(principal: Principal) -> QuerySet[Checkout]:
    """The caller's checkouts, with what their shape needs."""
    rows = Checkout.objects.select_related("payment").prefetch_related("order__lines")
    return visible(rows, principal)


def orders(principal: Principal) -> QuerySet[Order]:
    """The caller's orders, with what their shape needs."""
    return visible(_whole_orders(), principal)


def whole_order(order_id: uuid.UUID) -> Order:
    """One order as it is now, with what its shape needs, whoever asks."""
    return _whole_orders().get(pk=order_id)


def cancellation_of(order: Order) -> Cancellation | None:
    """The order's cancellation, if somebody asked for one; read with the order."""
    return getattr(order, "cancellation", None)


def fulfillments(principal: Principal) -> QuerySet[Fulfillment]:
    """The shipments of the caller's orders, with what their shape needs."""
    rows = Fulfillment.objects.prefetch_related("lines__order_line")
    mine = {} if principal.sees_all else {"order__client_id": principal.client_id}
    return rows.filter(**mine)


def whole_fulfillment(fulfillment_id: uuid.UUID) -> Fulfillment:
    """One shipment as it is now, whoever asks."""
    return Fulfillment.objects.prefetch_related("lines__order_line").get(pk=fulfillment_id)


def _whole_orders() -> QuerySet[Order]:
    rows = Order.objects.select_related("payment", "checkout", "attribution", "cancellation")
    return rows.prefetch_related("lines", "fulfillments__lines")
