"""Stripe's objects in the port's words. A shape we do not know raises, and is never guessed at.

Raises KeyError, TypeError or ValueError; `stripe_errors` makes an `OutcomeUnknown` of them.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from payments.processors.base import (
    Card,
    DisputeStatus,
    ProcessorDispute,
    ProcessorPayment,
    ProcessorRefund,
    ProcessorTransaction,
    RefundStatus,
    Status,
)

Doc = Mapping[str, Any]

_PAYMENT: Final[dict[str, Status]] = {
    "requires_capture": "authorized",
    "succeeded": "captured",
    "canceled": "canceled",
    "requires_action": "requires_action",
    "requires_payment_method": "declined",
    "requires_confirmation": "pending",
    "processing": "pending",
}
_REFUND: Final[dict[str, RefundStatus]] = {
    "pending": "pending",
    "requires_action": "requires_action",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
}
_DISPUTE: Final[dict[str, DisputeStatus]] = {
    "needs_response": "needs_response",
    "under_review": "under_review",
    "won": "won",
    "lost": "lost",
    "prevented": "prevented",
    "warning_needs_response": "warning_needs_response",
    "warning_under_review": "warning_under_review",
    "warning_closed": "warning_closed",
    # A lost dispute that is fought on is open again.
    "appeal_needs_response": "needs_response",
    "appeal_under_review": "under_review",
}


def payment(intent: Doc) -> ProcessorPayment:
    """A PaymentIntent; with its `latest_charge` expanded, its refunds, card and deadline too."""
    charge = _expanded(intent.get("latest_charge"))
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    error = intent.get("last_payment_error") or {}
    captured, released = intent.get("amount_received") or 0, _released(intent)
    return ProcessorPayment(
        processor_reference=intent["id"],
        status=_status(intent, captured=captured),
        amount=whole(intent["amount"]),
        currency=intent["currency"].upper(),
        captured_amount=whole(captured),
        refunded_amount=_refunded(charge, captured=captured, released=released),
        capture_before=moment(card.get("capture_before")),
        card=_card(card),
        decline_code=text(error.get("decline_code") or error.get("code")),
        next_action=intent.get("next_action"),
        capturable_amount=whole(intent.get("amount_capturable") or 0),
        released_amount=released,
        fee_amount=fee_of([_expanded(charge.get("balance_transaction"))], intent=intent),
        multicapture=_takes_many(charge),
        network=text(card.get("network")),
        disputed=bool(charge.get("disputed")),
        is_expired=_is_expired(intent),
    )


def refund(doc: Doc) -> ProcessorRefund:
    """A Refund."""
    return ProcessorRefund(
        processor_reference=doc["id"],
        reference=text((doc.get("metadata") or {}).get("refund")),
        payment_reference=id_of(doc.get("payment_intent")),
        amount=whole(doc["amount"]),
        currency=doc["currency"].upper(),
        status=_REFUND[doc["status"]],
        failure_code=text(doc.get("failure_reason")),
    )


def dispute(doc: Doc) -> ProcessorDispute:
    """A Dispute. Its fees are what its balance transactions cost."""
    card = (doc.get("payment_method_details") or {}).get("card") or {}
    return ProcessorDispute(
        processor_reference=doc["id"],
        payment_reference=id_of(doc.get("payment_intent")),
        amount=whole(doc["amount"]),
        currency=doc["currency"].upper(),
        reason=text(doc.get("reason")),
        status=_DISPUTE[doc["status"]],
        is_inquiry=card.get("case_type") == "inquiry" or doc["status"].startswith("warning_"),
        evidence_due_by=moment((doc.get("evidence_details") or {}).get("due_by")),
        fees=_fees(doc.get("balance_transactions") or []),
    )


def is_release(refund: Doc) -> bool:
    """Whether it gave nobody money back: Stripe shows as a refund what a hold let go.

    After a partial capture its balance transaction says so; of a hold that was canceled or ran
    out, nothing was captured. Needs `charge` and `balance_transaction` expanded.
    https://docs.stripe.com/reports/reporting-categories
    """
    line, charge = _expanded(refund.get("balance_transaction")), _expanded(refund.get("charge"))
    return (
        line.get("reporting_category") == "partial_capture_reversal"
        or refund.get("reason") == "expired_uncaptured_charge"
        or charge.get("amount_captured") == 0
    )


def fee_of(lines: Sequence[Doc], *, intent: Doc) -> int | None:
    """What these balance transactions cost, if they are all there are of the captured amount.

    None too when the account settles in another currency: the fee is not in the payment's.
    """
    captured = intent.get("amount_received") or 0
    if not captured or sum(line.get("amount", 0) for line in lines) != captured:
        return None
    if any(line.get("currency") != intent["currency"] for line in lines):
        return None
    return sum(whole(line["fee"]) for line in lines)


def id_of(value: Any) -> str:
    """The id of an object, expanded or not; "" when there is none."""
    return text(value.get("id") if isinstance(value, Mapping) else value)


def text(value: object) -> str:
    """Text that a database takes, "" for none."""
    return "" if value is None else str(value).replace("\0", "")


def moment(timestamp: int | None) -> dt.datetime | None:
    """Unix seconds as a time."""
    return dt.datetime.fromtimestamp(timestamp, dt.UTC) if timestamp else None


def whole(amount: object) -> int:
    """An amount as it must be. Raises TypeError for any other."""
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise TypeError("an amount that is no whole number")
    return amount


def _fees(lines: Sequence[Doc]) -> Mapping[str, int]:
    """Currency → what these lines cost; each is in the currency that the account settles in.

    https://docs.stripe.com/api/disputes/object#dispute_object-balance_transactions
    """
    costs: Counter[str] = Counter()
    for line in lines:
        costs[line["currency"].upper()] += whole(line["fee"])
    return {currency: amount for currency, amount in costs.items() if amount}


def _status(intent: Doc, *, captured: int) -> Status:
    """What was captured stays captured, whatever became of the rest."""
    status = _PAYMENT[intent["status"]]
    return "captured" if status == "canceled" and captured else status


def _released(intent: Doc) -> int:
    """What was held, is held no longer, and was not taken."""
    charge = intent.get("latest_charge")
    if isinstance(charge, Mapping):
        was_held = charge.get("status") == "succeeded"
    else:
        was_held = bool(charge) and not intent.get("last_payment_error")
    if not was_held or intent["status"] not in ("succeeded", "canceled"):
        return 0
    return max(0, whole(intent["amount"]) - (intent.get("amount_received") or 0))


def _is_expired(intent: Doc) -> bool | None:
    """Whether Stripe let the hold run out; a cancellation over its API may give no reason.

    https://docs.stripe.com/api/payment_intents/object#payment_intent_object-cancellation_reason
    """
    if intent["status"] != "canceled" or "cancellation_reason" not in intent:
        return None
    return bool(intent["cancellation_reason"] == "automatic")


def _refunded(charge: Doc, *, captured: int, released: int) -> int:
    """Stripe counts as refunded what a hold let go, unless it can be captured several times.

    https://docs.stripe.com/payments/multicapture
    """
    counted = whole(charge.get("amount_refunded") or 0)
    if not captured:
        return 0
    return counted if _takes_many(charge) else max(0, counted - released)


def _takes_many(charge: Doc) -> bool:
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    return bool((card.get("multicapture") or {}).get("status") == "available")


def _card(card: Doc) -> Card:
    return Card(
        brand=text(card.get("brand")),
        last4=text(card.get("last4")),
        country=text(card.get("country")),
        fingerprint=text(card.get("fingerprint")),
    )


def _expanded(value: Any) -> Doc:
    return value if isinstance(value, Mapping) else {}


def transaction(doc: Doc) -> ProcessorTransaction:
    """A balance transaction; with its `source` expanded, the payment it is about.

    A charge carries our reference; a refund or a dispute only the payment's id.
    """
    source = _expanded(doc["source"])
    source_id = source.get("id") or doc["source"] or ""
    kind = source.get("object")
    metadata = (source.get("metadata") or {}) if kind == "charge" else {}
    available = doc["available_on"]
    return ProcessorTransaction(
        external_id=doc["id"],
        category=doc["reporting_category"],
        currency=doc["currency"].upper(),
        gross=doc["amount"],
        fee=doc["fee"],
        net=doc["net"],
        created_at=dt.datetime.fromtimestamp(doc["created"], dt.UTC),
        available_on=None if available is None else dt.datetime.fromtimestamp(available, dt.UTC),
        source_id=source_id,
        processor_reference=source.get("payment_intent") or "",
        reference=metadata.get("payment") or "",
        payout_id=source_id if kind == "payout" else "",
        raw={**doc, "source": source_id},
    )
