"""What clients and the warehouse do with orders, in the words of the stories."""

from foundation.transactions import durable
from orders import fulfillment
from orders.fulfillment import rows
from tests import builders


def cancel(api, order, *, key=None, reason="customer asked"):
    """POST /v1/orders/{id}/cancel."""
    path = f"/v1/orders/{order.reference}/cancel"
    return api.post(path, {"reason": reason}, key=key or builders.a_key())


def ship_everything(order, *, by="warehouse"):
    """All that is owed leaves the house."""
    with durable():
        found = rows.locked(order.pk)
        for shipment in found.fulfillments.filter(state="pending"):
            fulfillment.ship(found, shipment, by=by)


def confirm(api, checkout, *, key=None):
    """POST /v1/checkouts/{id}/confirm: the shopper is back."""
    path = f"/v1/checkouts/{checkout.reference}/confirm"
    return api.post(path, {}, key=key or builders.a_key())


def give_up(api, checkout, *, key=None):
    """POST /v1/checkouts/{id}/cancel: the shopper will not come back."""
    path = f"/v1/checkouts/{checkout.reference}/cancel"
    return api.post(path, {}, key=key or builders.a_key())


def take_out(api, order, units, *, key=None):
    """POST /v1/orders/{id}/fulfillments: SKU → units into a shipment of their own."""
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in units.items()]
    path = f"/v1/orders/{order.reference}/fulfillments"
    return api.post(path, {"lines": lines}, key=key or builders.a_key())


def shipments(api, order):
    """GET /v1/orders/{id}/fulfillments."""
    return api.get(f"/v1/orders/{order.reference}/fulfillments").json()["items"]


def patch(api, shipment, *, if_match=None, **changes):
    """PATCH /v1/fulfillments/{id}."""
    headers = {"If-Match": if_match} if if_match else {}
    return api.patch(f"/v1/fulfillments/{shipment['id']}", changes, **headers)


def adjust(api, sku, delta, *, key=None, reason="counted"):
    """POST /v1/inventory-items/{sku}/adjustments."""
    path = f"/v1/inventory-items/{sku}/adjustments"
    return api.post(path, {"delta": delta, "reason": reason}, key=key or builders.a_key())
