"""What the warehouse owes, ships and delivers: one verb a file.

Every verb takes the order's row lock first. It is what makes two shipments at once, and a
shipment and a cancellation at once, safe.
"""

from orders.fulfillment.cancel import cancel, cancel_pending
from orders.fulfillment.change import Change, change
from orders.fulfillment.create import create
from orders.fulfillment.deliver import deliver
from orders.fulfillment.owe import fulfill, owe_the_rest
from orders.fulfillment.rows import is_under_way
from orders.fulfillment.ship import ship

__all__ = [
    "Change", "cancel", "cancel_pending", "change", "create", "deliver", "fulfill", "is_under_way",
    "owe_the_rest", "ship",
]  # fmt: skip
