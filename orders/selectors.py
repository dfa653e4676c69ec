"""Reads: always through what the caller may see."""

import uuid

from django.db.models import QuerySet

from foundation.edge.authentication import Principal
from foundation.edge.lookup import visible
from orders.models import Cancellation, Checkout, Fulfillment, Order


def checkouts(principal: Principal) -> QuerySet[Checkout]:
    """The caller's checkouts, with what their shape needs."""
    return visible(_whole_checkouts(), principal)


def locked_checkout(checkout_id: uuid.UUID) -> Checkout:
    """One checkout as it is now, its row locked until the transaction ends."""
    Checkout.objects.select_for_update(no_key=True).values("pk").get(pk=checkout_id)
    return _whole_checkouts().get(pk=checkout_id)


def orders(principal: Principal) -> QuerySet[Order]:
    """The caller's orders, with what their shape needs."""
    return visible(_whole_orders(), principal)


def whole_order(order_id: uuid.UUID) -> Order:
    """One order as it is now, with what its shape needs, whoever asks."""
    return _whole_orders().get(pk=order_id)


def locked_order(order_id: uuid.UUID) -> Order:
    """The same, its row locked until the transaction ends; its payment moves by itself."""
    Order.objects.select_for_update(no_key=True).values("pk").get(pk=order_id)
    return whole_order(order_id)


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


def _whole_checkouts() -> QuerySet[Checkout]:
    rows = Checkout.objects.select_related("payment", "order__payment", "order__cancellation")
    return rows.prefetch_related("order__lines", "order__fulfillments__lines")


def _whole_orders() -> QuerySet[Order]:
    rows = Order.objects.select_related("payment", "checkout", "attribution", "cancellation")
    return rows.prefetch_related("lines", "fulfillments__lines")
