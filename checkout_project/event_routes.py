"""The switchboard: event type → the chains it starts. The only late binding in the house."""

from typing import Final

EVENT_ROUTES: Final[dict[str, tuple[str, ...]]] = {
    "order.placed": ("orders.chains.after_order_placed",),
    "order.canceled": ("orders.chains.after_order_canceled",),
    "order.stalled": ("orders.chains.after_order_stalled",),
    "fulfillment.shipped": ("orders.chains.after_fulfillment_shipped",),
    "payment.voided": ("orders.chains.after_payment_lost",),
    "payment.expired": ("orders.chains.after_payment_lost",),
    "payment.capture_refused": ("orders.chains.after_payment_lost",),
}
