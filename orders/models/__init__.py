"""The rows of the shop: catalog, stock, checkouts, orders, shipments."""

from orders.models.catalog import Price, Product
from orders.models.checkout import Checkout
from orders.models.fulfillment import Fulfillment, FulfillmentLine, Notification
from orders.models.order import Order, OrderLine
from orders.models.risk import BlockListEntry
from orders.models.shipping import ShippingRate
from orders.models.stock import Reservation, StockItem
from orders.models.tax import TaxRate

__all__ = [
    "BlockListEntry",
    "Checkout",
    "Fulfillment",
    "FulfillmentLine",
    "Notification",
    "Order",
    "OrderLine",
    "Price",
    "Product",
    "Reservation",
    "ShippingRate",
    "StockItem",
    "TaxRate",
]
