"""The switchboard: event type → the chains it starts. The only late binding in the house."""

from typing import Final

EVENT_ROUTES: Final[dict[str, tuple[str, ...]]] = {
    "order.placed": ("orders.chains.after_order_placed",),
    "order.canceled": ("orders.chains.after_order_canceled",),
    "order.payment_restored": ("orders.chains.after_order_placed",),
    "order.stalled": ("orders.chains.after_order_stalled",),
    "fulfillment.shipped": ("orders.chains.after_fulfillment_shipped",),
    "bulk_void.requested": ("orders.chains.after_bulk_void_requested",),
    "payment.voided": ("orders.chains.after_payment_lost",),
    "payment.expired": ("orders.chains.after_payment_lost",),
    "payment.expiring": ("orders.chains.after_payment_expiring",),
    "payment.reauthorized": ("orders.chains.after_payment_replaced",),
    "payment.reauthorization_failed": ("orders.chains.after_payment_replaced",),
    "payment.capture_refused": ("orders.chains.after_payment_lost",),
    "payment.news": ("orders.chains.after_payment_news",),
    "processor_event.received": ("orders.chains.after_processor_event",),
}
