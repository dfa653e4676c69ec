"""The rows of a payment."""

from payments.models.dispute import Dispute
from payments.models.payment import Payment, PaymentTransaction, Source
from payments.models.processor_event import ProcessorEvent
from payments.models.refund import Refund

__all__ = [
    "Dispute",
    "Payment",
    "PaymentTransaction",
    "ProcessorEvent",
    "Refund",
    "Source",
]
