"""Every event this house tells, and what it means. A test holds code and docs against it."""

from typing import Final

CATALOGUE: Final = {
    "order.placed": "An order exists, and an authorization for all of it is held.",
    "order.canceled": "The order will not be shipped; its stock is for sale again.",
    "order.payment_required": "The authorization died untaken; nothing ships until it is paid.",
    "order.stalled": "The order's next step is due and nobody is at work on it.",
    "payment.authorized": "The processor holds the amount.",
    "payment.captured": "The held amount was taken.",
    "payment.voided": "The hold was released; nothing was taken.",
    "payment.capture_refused": "The processor did not capture a hold it had granted.",
    "payment.news": "The processor has news of a payment that is still being worked on.",
    "processor_event.received": "The processor told us something; it is stored and to be worked.",
    "dispute.opened": "A shopper's bank disputes a payment, or goes on disputing it.",
    "dispute.closed": "A dispute was decided.",
    "fulfillment.created": "The warehouse owes a shipment.",
}
