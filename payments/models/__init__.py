"""The rows of a payment."""

from payments.models.dispute import Dispute
from payments.models.ledger import LedgerLine
from payments.models.payment import Payment, PaymentTransaction, Source
from payments.models.payout import Payout
from payments.models.processor_event import EventListing, ProcessorEvent
from payments.models.refund import Refund

__all__ = [
    "Dispute",
    "EventListing",
    "LedgerLine",
    "Payment",
    "PaymentTransaction",
    "Payout",
    "ProcessorEvent",
    "Refund",
    "Source",
]
