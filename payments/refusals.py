"""Every no that a capture, a void or a refund may hear, and what to do then.

The first group is raised before anything is claimed: nothing is stored, the same key may be used
again. The second group was reached at the processor: it is the final answer of its key.
"""

from typing import Any

from foundation.errors import DomainError
from payments.models import Payment


def links(payment: Payment) -> dict[str, Any]:
    """Where the payment is, and where money that was taken goes back."""
    url = f"/v1/payments/{payment.reference}"
    return {"payment": payment.reference, "refunds": f"{url}/refunds"}


class PaymentInProgress(DomainError):
    """Somebody is at work on this payment, or its outcome is not known yet."""

    code, status, title = "payment_in_progress", 409, "Another step of this payment is under way"
    retryable, retry_with = True, "same_key"

    def __init__(self, payment: Payment) -> None:
        detail = f"It is {payment.state}; repeat the request in a moment."
        super().__init__(detail, headers={"Retry-After": "2"}, payment=payment.reference)


class PaymentAlreadyCaptured(DomainError):
    """All that was held is taken: there is nothing left to capture or to release."""

    code, status, title = "payment_already_captured", 409, "This payment was captured already"


class NotCapturable(DomainError):
    """There is no live hold to take anything from."""

    code, status, title = "payment_not_capturable", 409, "This payment has no hold to capture"


class MulticaptureNotGranted(DomainError):
    """The processor grants one capture of this hold: the first one lets go of the rest."""

    code, status, title = "multicapture_not_granted", 409, "This payment can be captured once"


class AmountExceedsCapturable(DomainError):
    """More than is still held."""

    code, status, title = "amount_exceeds_capturable", 422, "More than can be captured"
    retryable, retry_with = True, "same_key"


class NotVoidable(DomainError):
    """There is no hold to release: captured already, released already, or in other hands."""

    code, status, title = "payment_not_voidable", 409, "This payment has no hold to release"


class NotCaptured(DomainError):
    """Nothing was taken, so nothing can be given back; a hold is released by a void."""

    code, status, title = "payment_not_captured", 409, "Nothing of this payment was captured"


class PaymentDisputed(DomainError):
    """The bank has the money already: a refund on top of it would pay the customer twice."""

    code, status, title = "payment_disputed", 409, "This payment is disputed"


class AmountExceedsRefundable(DomainError):
    """More than was taken and not given back, or promised back, before."""

    code, status, title = "amount_exceeds_refundable", 422, "More than can be refunded"
    retryable, retry_with = True, "same_key"


class NotReauthorizable(DomainError):
    """A new hold may only take the place of one that is over, or is released for it."""

    code, status, title = "payment_not_reauthorizable", 409, "No new hold can replace this one"


# --- reached at the processor, and stored -----------------------------------------------------


class CaptureRefused(DomainError):
    """The processor did not take what it had held."""

    code, status, title = "capture_refused", 402, "The processor refused the capture"
    retryable, retry_with = True, "new_key"


class RefundRefused(DomainError):
    """The processor did not give the money back; it is still ours."""

    code, status, title = "refund_refused", 402, "The processor refused the refund"
    retryable, retry_with = True, "new_key"


class PaymentChanged(DomainError):
    """Nothing was sent for this request, and meanwhile somebody else moved the payment."""

    code, status, title = "payment_changed", 409, "The payment was changed by somebody else"
    retryable, retry_with = True, "new_key"


class ProcessorDown(DomainError):
    """The processor could not be reached; nothing was sent. The same key resumes."""

    code, status, title = "processor_unavailable", 503, "The payment processor is not reachable"
    retryable, retry_with = True, "same_key"
