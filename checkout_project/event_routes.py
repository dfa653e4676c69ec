"""The switchboard: event type → the chains it starts. The only late binding in the house."""

from typing import Final

EVENT_ROUTES: Final[dict[str, tuple[str, ...]]] = {
    "order.placed": ("orders.chains.after_order_placed",),
    "order.stalled": ("orders.chains.after_order_stalled",),
    "payment.voided": ("orders.chains.after_payment_lost",),
    "payment.capture_refused": ("orders.chains.after_payment_lost",),
    "payment.news": ("orders.chains.after_payment_news",),
    "processor_event.received": ("orders.chains.after_processor_event",),
}
