"""What each class of break says, in a sentence for whoever meets it for the first time."""

from collections.abc import Mapping
from typing import Final

from reconciliation.models import ReconciliationBreak

_KIND: Final = ReconciliationBreak.Kind
MEANINGS: Final[Mapping[str, str]] = {
    _KIND.ORPHAN_CAPTURE: "Money was taken at the processor for a payment that we do not know.",
    _KIND.MISSING_AT_PROCESSOR: "Our books say that it was taken; the processor's do not.",
    _KIND.STATUS_MISMATCH: "It was taken at the processor; our payment does not say so.",
    _KIND.AMOUNT_MISMATCH: "Both say that it was taken, and not the same amount.",
    _KIND.CURRENCY_MISMATCH: "Both say that it was taken, in two currencies.",
    _KIND.DUPLICATE_CHARGE: "Two payments were taken for one order.",
    _KIND.REFUND_MISSING_LOCAL: "It was given back at the processor; our books do not say so.",
    _KIND.REFUND_MISSING_REMOTE: "Our books say that it was given back; the processor's do not.",
    _KIND.UNKNOWN_STALE: "Whether it was taken has not been known for too long.",
    _KIND.SHIPPED_UNPAID: "The goods left, and the hold that was to pay for them is gone.",
    _KIND.ORDER_WITHOUT_PAYMENT: "An order stands on money that neither side holds or has.",
    _KIND.ORPHAN_AUTHORIZATION: "The customer's money is held, and no order wants it.",
    _KIND.FEE_MISMATCH: "The processor's fee is not the one that we booked.",
    _KIND.DISPUTE_UNRECORDED: "The bank took money back for a dispute that we do not know.",
    _KIND.PAYOUT_UNMATCHED: "A payout and the movements it is made of do not come to the same.",
    _KIND.LATE_EVENT: "Something was told of a day that was compared and closed before.",
}
