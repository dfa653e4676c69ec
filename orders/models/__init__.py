"""The rows of the shop: catalog, stock, checkouts, orders, shipments."""

from orders.models.bulk import BulkRow, BulkRun
from orders.models.cancellation import Cancellation
from orders.models.catalog import Price, Product
from orders.models.checkout import Checkout, CheckoutVisit
from orders.models.fulfillment import Fulfillment, FulfillmentLine, Notification
from orders.models.order import Order, OrderLine, Settlement
from orders.models.risk import BlockListEntry
from orders.models.shipping import ShippingRate
from orders.models.stock import Reservation, StockAdjustment, StockItem
from orders.models.tax import TaxRate

__all__ = [
    "BlockListEntry",
    "BulkRow",
    "BulkRun",
    "Cancellation",
    "Checkout",
    "CheckoutVisit",
    "Fulfillment",
    "FulfillmentLine",
    "Notification",
    "Order",
    "OrderLine",
    "Price",
    "Product",
    "Reservation",
    "Settlement",
    "ShippingRate",
    "StockAdjustment",
    "StockItem",
    "TaxRate",
]
