"""How payments look on the wire, and the two shapes everything else borrows."""

import datetime as dt
from typing import Any

from payments.models import Dispute, Payment, PaymentTransaction, Refund


def money(amount: int, currency: str) -> dict[str, Any]:
    """Integer minor units and an ISO 4217 code."""
    return {"amount": amount, "currency": currency}


def moment(value: dt.datetime | None) -> str | None:
    """RFC 3339 in UTC, with microseconds."""
    return None if value is None else value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def told_actor(actor: str) -> str:
    """Who acted, as a client of the API is told: our people have no names there."""
    return "staff" if actor.startswith("staff:") else actor


def payment(row: Payment) -> dict[str, Any]:
    """A payment with its folded amounts."""
    card = {"brand": row.card_brand, "last4": row.card_last4, "country": row.card_country}
    return {
        "id": row.reference,
        "status": row.state,
        "amount": money(row.amount, row.currency),
        "authorized": money(row.authorized_amount, row.currency),
        "captured": money(row.captured_amount, row.currency),
        "voided": money(row.voided_amount, row.currency),
        "capturable": money(row.capturable, row.currency),
        "refunded": money(row.refunded_amount, row.currency),
        "refund_pending": money(row.refund_pending_amount, row.currency),
        "refundable": money(row.refundable, row.currency),
        "charged_back": money(row.charged_back_amount, row.currency),
        "fees": money(row.fee_amount, row.currency),
        "disputed": row.is_disputed,
        "multicapture": row.is_multicapture,
        "capture_before": moment(row.capture_before),
        "card": card if row.card_last4 else None,
        "decline_code": row.decline_code or None,
        "processor": row.processor,
        "processor_reference": row.processor_reference or None,
        "created_at": moment(row.created_at),
    }


def transaction_of(row: PaymentTransaction, *, status: str = "") -> dict[str, Any]:
    """One step with the payment it moved, as the answer to whoever asked for it."""
    body = transaction(row) | {"payment": payment(row.payment)}
    return body | ({"status": status} if status else {})


def refund(row: Refund) -> dict[str, Any]:
    """Money given back, or on its way."""
    return {
        "id": row.reference,
        "payment": row.payment.reference,
        "status": row.state,
        "amount": money(row.amount, row.currency),
        "reason": row.reason or None,
        "source": row.source,
        "failure_code": row.failure_code or None,
        "processor_reference": row.processor_reference or None,
        "created_at": moment(row.created_at),
        "ended_at": moment(row.ended_at),
    }


def dispute(row: Dispute) -> dict[str, Any]:
    """A charge that the bank was asked to take back."""
    return {
        "id": row.reference,
        "payment": row.payment.reference,
        "status": row.state,
        "processor_status": row.processor_status or None,
        "amount": money(row.amount, row.currency),
        "fee": money(row.fee_amount, row.currency),
        "reason": row.reason or None,
        "inquiry": row.is_inquiry,
        "evidence_due_by": moment(row.evidence_due_by),
        "processor_reference": row.processor_reference,
        "opened_at": moment(row.opened_at),
        "closed_at": moment(row.closed_at),
    }


def transaction(row: PaymentTransaction) -> dict[str, Any]:
    """One step at the processor."""
    return {
        "id": row.reference,
        "type": row.kind,
        "status": "succeeded" if row.succeeded else "failed",
        "amount": money(row.amount, row.currency),
        "processor_reference": row.processor_reference or None,
        "error_code": row.error_code or None,
        "note": row.note or None,
        "source": row.source,
        "actor": told_actor(row.actor),
        "created_at": moment(row.created_at),
    }
