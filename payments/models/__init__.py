"""The rows of a payment."""

from payments.models.dispute import Dispute
from payments.models.ledger import LedgerLine
from payments.models.payment import Payment, PaymentTransaction, Source
from payments.models.payout import Payout
from payments.models.processor_event import ProcessorEvent
from payments.models.refund import Refund

__all__ = [
    "Dispute",
    "LedgerLine",
    "Payment",
    "PaymentTransaction",
    "Payout",
    "ProcessorEvent",
    "Refund",
    "Source",
]
