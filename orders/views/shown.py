"""What `If-Match` of an action is held against: a thing as its own path shows it, locked."""

import uuid
from typing import Any

from orders import representations, selectors
from orders.models import StockItem


def checkout_now(checkout_id: uuid.UUID) -> dict[str, Any]:
    """As `GET /v1/checkouts/{id}` shows it."""
    return representations.checkout(selectors.locked_checkout(checkout_id))


def order_now(order_id: uuid.UUID) -> dict[str, Any]:
    """As `GET /v1/orders/{id}` shows it; its payment may move on meanwhile."""
    return representations.order_with_origin(selectors.locked_order(order_id))


def shelf_now(sku: str) -> dict[str, Any]:
    """As `GET /v1/inventory-items/{sku}` shows it."""
    row = StockItem.objects.select_for_update(no_key=True).get(sku=sku)
    return representations.inventory_item(row)
