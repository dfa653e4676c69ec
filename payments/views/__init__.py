"""The HTTP edge of payments: reading them, and moving their money."""

from payments.views.moving import Captures, Refunds, Void
from payments.views.reading import (
    Disputes,
    OneDispute,
    OnePayment,
    OneRefund,
    Payments,
    PaymentTimeline,
    PaymentTransactions,
)

__all__ = [
    "Captures",
    "Disputes",
    "OneDispute",
    "OnePayment",
    "OneRefund",
    "PaymentTimeline",
    "PaymentTransactions",
    "Payments",
    "Refunds",
    "Void",
]
