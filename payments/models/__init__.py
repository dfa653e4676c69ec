"""The rows of a payment."""

from payments.models.payment import Payment, PaymentTransaction

__all__ = ["Payment", "PaymentTransaction"]
