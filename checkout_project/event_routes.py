"""The switchboard: event type → the chains it starts; and who is asked about a payment."""

from typing import Final

EVENT_ROUTES: Final[dict[str, tuple[str, ...]]] = {
    "order.placed": ("orders.chains.after_order_placed",),
    "order.canceled": ("orders.chains.after_order_canceled",),
    "order.payment_required": ("orders.chains.after_order_stopped",),
    "order.payment_restored": ("orders.chains.after_order_placed",),
    "order.stalled": ("orders.chains.after_order_stalled",),
    "fulfillment.shipped": ("orders.chains.after_fulfillment_shipped",),
    "bulk_void.requested": ("orders.chains.after_bulk_void_requested",),
    "payment.captured": ("orders.chains.after_payment_changed",),
    "payment.remainder_released": ("orders.chains.after_payment_changed",),
    "payment.voided": ("orders.chains.after_payment_changed",),
    "payment.expired": ("orders.chains.after_payment_changed",),
    "payment.expiring": ("orders.chains.after_payment_expiring",),
    "payment.reauthorized": ("orders.chains.after_payment_replaced",),
    "payment.reauthorization_failed": ("orders.chains.after_payment_replaced",),
    "payment.capture_refused": ("orders.chains.after_payment_changed",),
    "refund.succeeded": ("orders.chains.after_refund_succeeded",),
    "payment.news": ("orders.chains.after_payment_news",),
    "reconciliation.requested": ("reconciliation.chains.after_run_requested",),
    "processor_event.received": ("orders.chains.after_processor_event",),
}

# Whose payment it is, is known on a floor above payments: asked before a client or a person
# captures or releases, it locks the owner's row and refuses what would thwart the owner's work.
PAYMENT_OWNER: Final = "orders.payment_guard.refuse_unless_free"

# Reconciliation stands next to orders and does not know them: this relation tells it of them.
RECONCILIATION_STORIES: Final = "orders.stories.SQL"
# What each order came to, as SQL: attribution compares it with what analytics counted, and lives
# on a floor that knows of no order.
FINANCIAL_ORDERS: Final = "orders.financials.ORDERS"
FINANCIAL_REFUNDS: Final = "orders.financials.REFUNDS"  # and what was given back of them

# The events that something here depends on; any other is stored and ignored. Subscribe to these:
# the object that an event speaks of is asked for again, so one event for each change is enough.
PROCESSOR_EVENT_TYPES: Final[dict[str, tuple[str, ...]]] = {
    "stripe": (
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
        "charge.captured",
        "charge.expired",
        "charge.refunded",
        "charge.updated",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
        "payout.paid",
        "payout.failed",
    )
}
