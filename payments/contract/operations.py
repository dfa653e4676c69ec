"""Every operation on payments in the document of the API."""

from typing import Final

from foundation.edge.contract import (
    Answer,
    Operation,
    Operations,
    Query,
    choice,
    items,
    page,
    reference,
)
from payments import refusals, views
from payments.contract.shapes import (
    ACCOUNTS_SHAPE,
    CAPTURE,
    DISPUTE_SHAPE,
    ENTRY,
    MOVE,
    PAYMENT_SHAPE,
    RECEIPT,
    REFUND_SHAPE,
    STATUS,
    TRANSACTION,
)
from payments.ledger_views import LedgerAccounts, LedgerEntries
from payments.postings import ACCOUNTS
from payments.serializers import CaptureRequest, RefundRequest, VoidRequest
from payments.services.receive import EventAltered, EventNotGenuine
from payments.states import DISPUTE
from payments.webhooks import EventNotStored, ProcessorEvents

_PART: Final = {"amount": 1000, "currency": "USD"}
_MONEY_MOVES: Final = (
    refusals.PaymentInProgress,
    refusals.PaymentChanged,
    refusals.ProcessorDown,
)
_STATUS_FILTER: Final = "only those that are in this state"

OPERATIONS: Final[Operations] = {
    (views.Payments, "GET"): Operation(
        "list_payments",
        "List payments",
        {200: Answer("Newest first.", page(PAYMENT_SHAPE))},
        query=(Query("status", _STATUS_FILTER, STATUS),),
        is_paged=True,
    ),
    (views.OnePayment, "GET"): Operation(
        "get_payment",
        "Read a payment",
        {200: Answer("The payment now, amounts folded.", PAYMENT_SHAPE)},
        prefix="pay",
        reads_one=True,
    ),
    (views.PaymentTransactions, "GET"): Operation(
        "list_payment_transactions",
        "List what was done at the processor",
        {200: Answer("Each step, the first one first.", items(TRANSACTION))},
        prefix="pay",
    ),
    (views.PaymentTimeline, "GET"): Operation(
        "get_payment_timeline",
        "Read what happened to a payment",
        {200: Answer("Steps and moves in one stream, oldest first.", items(MOVE))},
        prefix="pay",
    ),
    (views.Captures, "POST"): Operation(
        "capture_payment",
        "Take what is held, or a part of it",
        {
            201: Answer("Taken.", CAPTURE, ("Location",)),
            202: Answer("Not known yet.", CAPTURE, ("Location", "Retry-After")),
        },
        problems=(
            refusals.CaptureRefused,
            refusals.NotCapturable,
            refusals.PaymentAlreadyCaptured,
            refusals.MulticaptureNotGranted,
            refusals.AmountExceedsCapturable,
            *_MONEY_MOVES,
        ),
        body=CaptureRequest,
        example={"amount": _PART, "final": True},
        prefix="pay",
        is_idempotent=True,
        changes_one=True,
    ),
    (views.Void, "POST"): Operation(
        "void_payment",
        "Let go of the hold",
        {
            200: Answer("Nothing is held any more.", PAYMENT_SHAPE, ("Location",)),
            202: Answer("Not known yet.", PAYMENT_SHAPE, ("Location", "Retry-After")),
        },
        problems=(
            refusals.NotVoidable,
            refusals.PaymentAlreadyCaptured,
            *_MONEY_MOVES,
        ),
        body=VoidRequest,
        example={"reason": "the customer changed their mind"},
        prefix="pay",
        is_idempotent=True,
        changes_one=True,
    ),
    (views.Refunds, "GET"): Operation(
        "list_refunds",
        "List a payment's refunds",
        {200: Answer("All of them, the first one first.", items(REFUND_SHAPE))},
        prefix="pay",
    ),
    (views.Refunds, "POST"): Operation(
        "refund_payment",
        "Give money back",
        {
            201: Answer("Given back, or on its way.", REFUND_SHAPE, ("Location",)),
            202: Answer("Not known yet.", REFUND_SHAPE, ("Location", "Retry-After")),
        },
        problems=(
            refusals.RefundRefused,
            refusals.NotCaptured,
            refusals.PaymentDisputed,
            refusals.AmountExceedsRefundable,
            *_MONEY_MOVES,
        ),
        body=RefundRequest,
        example={"amount": _PART, "reason": "broken on arrival"},
        prefix="pay",
        is_idempotent=True,
        changes_one=True,
    ),
    (views.OneRefund, "GET"): Operation(
        "get_refund",
        "Read a refund",
        {200: Answer("The refund now; the bank may still send it back.", REFUND_SHAPE)},
        prefix="rfd",
        reads_one=True,
    ),
    (views.Disputes, "GET"): Operation(
        "list_disputes",
        "List disputes",
        {200: Answer("Newest first.", page(DISPUTE_SHAPE))},
        query=(Query("status", _STATUS_FILTER, choice(*sorted(DISPUTE.states))),),
        is_paged=True,
    ),
    (views.OneDispute, "GET"): Operation(
        "get_dispute",
        "Read a dispute",
        {200: Answer("The dispute now, with the deadline for evidence.", DISPUTE_SHAPE)},
        prefix="dsp",
        reads_one=True,
    ),
    (LedgerAccounts, "GET"): Operation(
        "list_ledger_accounts",
        "Read the chart of accounts",
        {200: Answer("Balances by currency, and the trial balance.", ACCOUNTS_SHAPE)},
    ),
    (LedgerEntries, "GET"): Operation(
        "list_ledger_entries",
        "List ledger entries",
        {200: Answer("Newest first, each whole.", page(ENTRY))},
        query=(
            Query("payment", "only those of this payment", reference("pay")),
            Query("account", "only those with a line in this account", choice(*ACCOUNTS)),
        ),
        is_paged=True,
    ),
    (ProcessorEvents, "POST"): Operation(
        "receive_processor_event",
        "Be told by the processor",
        {
            200: Answer("Stored before.", RECEIPT),
            202: Answer("Genuine, fresh, and stored now.", RECEIPT),
        },
        problems=(EventNotGenuine, EventAltered, EventNotStored),
        body={"type": "object", "description": "An event as the processor writes and signs it."},
        example={"id": "evt_1PqHcZ", "type": "charge.captured"},
        headers={"Stripe-Signature": "t=1764000000,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e7"},
    ),
}
