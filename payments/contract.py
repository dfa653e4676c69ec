"""Payments in the document of the API: their shapes, and every operation on them."""

from typing import Any, Final

from foundation.contract import (
    MONEY,
    NOTHING,
    Answer,
    Operation,
    Operations,
    Query,
    Shape,
    boolean,
    choice,
    day,
    items,
    listed,
    moment,
    named,
    nullable,
    page,
    record,
    reference,
    states,
    text,
)
from foundation.contract_fields import shape_of
from payments import refusals, views
from payments.ledger_views import LedgerAccounts, LedgerEntries
from payments.models import PaymentTransaction
from payments.models.payment import Source
from payments.postings import ACCOUNTS, CHART, KINDS
from payments.serializers import AmountField, CaptureRequest, RefundRequest, VoidRequest
from payments.services.receive import EventAltered, EventNotGenuine
from payments.states import DISPUTE, PAYMENT, REFUND
from payments.webhooks import EventNotStored, ProcessorEvents

_PART: Final = {"amount": 1000, "currency": "USD"}


@shape_of.register
def _(field: AmountField) -> Shape:  # noqa: ARG001 - every amount is alike
    return {"allOf": [MONEY, {"properties": {"amount": {"minimum": 1}}}]}


STATUS: Final = choice(*states("authorized", PAYMENT.states))
SOURCE: Final = choice(*Source.values)
ACTOR: Final = text("api:shop")

_CARD: Final = record(brand=text("visa"), last4=text("4242"), country=text("US"))
PAYMENT_SHAPE: Final = named(
    "Payment",
    record(
        id=reference("pay"),
        status=STATUS,
        amount=MONEY,
        authorized=MONEY,
        captured=NOTHING,
        voided=NOTHING,
        capturable=MONEY,
        refunded=NOTHING,
        refund_pending=NOTHING,
        refundable=NOTHING,
        charged_back=NOTHING,
        fees=NOTHING,
        disputed=boolean(example=False),
        multicapture=boolean(example=False),
        capture_before=nullable(moment()),
        card=nullable(named("Card", _CARD)),
        decline_code={**nullable(text("insufficient_funds")), "example": None},
        processor=text("stripe"),
        processor_reference=nullable(text("pi_18ea5b4966e677ee122efc66")),
        created_at=moment(),
    ),
)
_STEP: Final[dict[str, Any]] = {
    "id": reference("txn"),
    "type": choice(*states("capture", set(PaymentTransaction.Kind.values))),
    "status": choice("succeeded", "failed", "pending"),
    "amount": MONEY,
    "processor_reference": nullable(text("ch_5b4966e677ee122efc66")),
    "error_code": nullable(text("card_declined")),
    "note": nullable(text("dispute")),
    "source": SOURCE,
    "actor": ACTOR,
    "created_at": moment(),
}
TRANSACTION: Final = named("PaymentTransaction", record(**_STEP))
CAPTURE: Final = named("Capture", record(**_STEP, payment=PAYMENT_SHAPE))
REFUND_SHAPE: Final = named(
    "Refund",
    record(
        id=reference("rfd"),
        payment=reference("pay"),
        status=choice(*states("succeeded", REFUND.states)),
        amount=MONEY,
        reason=nullable(text("broken on arrival")),
        source=SOURCE,
        failure_code=nullable(text("lost_or_stolen_card")),
        processor_reference=nullable(text("re_5b4966e677ee122efc66")),
        created_at=moment(),
        ended_at=nullable(moment()),
    ),
)
DISPUTE_SHAPE: Final = named(
    "Dispute",
    record(
        id=reference("dsp"),
        payment=reference("pay"),
        status=choice(*states("open", DISPUTE.states)),
        processor_status=nullable(text("needs_response")),
        amount=MONEY,
        fee=MONEY,
        reason=nullable(text("fraudulent")),
        inquiry=boolean(example=False),
        evidence_due_by=nullable(moment()),
        processor_reference=text("du_5b4966e677ee122efc66"),
        opened_at=moment(),
        closed_at=nullable(moment()),
    ),
)
MOVE: Final = named(
    "PaymentTimelineEntry",
    record(
        at=moment(),
        kind=choice("processor", "state"),
        what=text("authorization succeeded"),
        actor=ACTOR,
    ),
)
_BALANCE: Final = named(
    "LedgerBalance",
    record(balance=MONEY, debits=MONEY, credits=MONEY, oldest_open_on=nullable(day())),
)
_ACCOUNT: Final = named(
    "LedgerAccount",
    record(
        account=choice(*ACCOUNTS),
        kind=choice(*sorted({account.kind for account in CHART})),
        clearing=boolean(example=True),
        description=text(CHART[0].meaning),
        balances=listed(_BALANCE),
    ),
)
_CHART: Final = record(
    items=listed(_ACCOUNT),
    trial_balance=listed(record(debits=MONEY, credits=MONEY, difference=MONEY)),
)
_ENTRY: Final = named(
    "LedgerEntry",
    record(
        id=reference("ent"),
        type=choice(*states("capture", set(KINDS))),
        payment=nullable(reference("pay")),
        transaction=nullable(reference("txn")),
        payout=nullable(reference("po")),
        posted_at=moment(),
        description=nullable(text("taken from a customer")),
        lines=listed(record(account=choice(*ACCOUNTS), amount=MONEY)),
    ),
)
_RECEIPT: Final = record(id=text("evt_1PqHcZ"), status=choice("stored", "known"))

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
        {200: Answer("Balances by currency, and the trial balance.", _CHART)},
    ),
    (LedgerEntries, "GET"): Operation(
        "list_ledger_entries",
        "List ledger entries",
        {200: Answer("Newest first, each whole.", page(_ENTRY))},
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
            200: Answer("Stored before.", _RECEIPT),
            202: Answer("Genuine, fresh, and stored now.", _RECEIPT),
        },
        problems=(EventNotGenuine, EventAltered, EventNotStored),
        body={"type": "object", "description": "An event as the processor writes and signs it."},
        example={"id": "evt_1PqHcZ", "type": "charge.captured"},
        headers={"Stripe-Signature": "t=1764000000,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e7"},
    ),
}
