"""Every event this house tells, and what it means. A test holds code and docs against it."""

from typing import Final

CATALOGUE: Final = {
    "order.placed": "An order exists, and an authorization for all of it is held.",
    "order.cancellation_started": "Somebody wants it undone; nothing is shipped or taken any more.",
    "order.canceled": "The order will not be shipped; its stock is for sale again.",
    "order.payment_required": "Its hold is gone, not all was taken; nothing ships until then.",
    "order.payment_restored": "It is paid for again; what it owes is owed again.",
    "order.completed": "All of it was shipped, or it ended with the part that was.",
    "order.stalled": "The order's next step is due and nobody is at work on it.",
    "payment.authorized": "The processor holds the amount.",
    "payment.captured": "Money was taken, and nothing of the hold is left.",
    "payment.partially_captured": "A part was taken; the rest is still held.",
    "payment.remainder_released": "The rest of a hold that was taken in part was let go.",
    "payment.voided": "The hold was released; nothing was taken.",
    "payment.capture_refused": "The processor did not capture a hold it had granted.",
    "payment.expiring": "The hold runs out soon; with `action_due`, whoever needs it must act.",
    "payment.expired": "The hold ran out; nothing was taken.",
    "payment.reauthorized": "A new hold took the place of one that is over.",
    "payment.reauthorization_failed": "There is no new hold in place of the one that is over.",
    "refund.created": "Money is to be given back; it is put aside.",
    "refund.succeeded": "The processor gave the money back.",
    "refund.failed": "The money was not given back, or came back from the bank.",
    "payment.news": "The processor has news of a payment that is still being worked on.",
    "processor_event.received": "The processor told us something; it is stored and to be worked.",
    "dispute.opened": "A shopper's bank disputes a payment, or goes on disputing it.",
    "dispute.closed": "A dispute was decided.",
    "reconciliation.requested": "Somebody wants a day compared with the processor's books.",
    "reconciliation.break_opened": "Our books and the processor's differ, and not by time alone.",
    "reconciliation.threshold_crossed": "What the books leave open is more than its limit.",
    "attribution.gap_alerted": "A day's gap to analytics is far from usual, or it tells too much.",
    "bulk_void.requested": "Staff want a hold released, as one of many.",
    "fulfillment.created": "The warehouse owes a shipment.",
    "fulfillment.shipped": "It left the house; its stock is consumed.",
    "fulfillment.delivered": "It arrived.",
    "fulfillment.canceled": "It will not leave; its units are owed again, or lie in other"
    " shipments, or the order is undone.",
    "webhook_endpoint.pinged": "Its client wants to see whether it can be reached.",
    "webhook_endpoint.disabled": "Nothing is sent to it any more, until it is enabled again.",
}

# Between our own parts; nobody outside is told of these.
INTERNAL: Final = frozenset(
    {
        "bulk_void.requested",
        "order.stalled",
        "payment.news",
        "processor_event.received",
        "reconciliation.requested",
    }
)
PUBLIC: Final = frozenset(CATALOGUE) - INTERNAL
PINGED: Final = "webhook_endpoint.pinged"
# What an endpoint may ask for; a ping goes to the one that was pinged, whatever it asked for.
SUBSCRIBABLE: Final = PUBLIC - {PINGED}
