"""Every event this house tells, and what it means. A test holds code and docs against it."""

from typing import Final

CATALOGUE: Final = {
    "order.placed": "An order exists, and an authorization for all of it is held.",
    "order.canceled": "The order will not be shipped; its stock is for sale again.",
    "order.stalled": "The order's next step is due and nobody is at work on it.",
    "payment.authorized": "The processor holds the amount.",
    "payment.captured": "The held amount was taken.",
    "payment.voided": "The hold was released; nothing was taken.",
    "payment.capture_refused": "The processor refused to capture a hold it had granted.",
    "fulfillment.created": "The warehouse owes a shipment.",
}
