"""How payments and what follows from them look in the document of the API."""

from typing import Any, Final

from foundation.edge.contract import (
    MONEY,
    NOTHING,
    Shape,
    boolean,
    choice,
    day,
    listed,
    moment,
    named,
    nullable,
    record,
    reference,
    states,
    text,
)
from foundation.edge.contract_fields import shape_of
from payments.models import PaymentTransaction
from payments.models.payment import Source
from payments.postings import ACCOUNTS, CHART, KINDS
from payments.serializers import AmountField
from payments.states import DISPUTE, PAYMENT, REFUND


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
ACCOUNTS_SHAPE: Final = record(
    items=listed(_ACCOUNT),
    trial_balance=listed(record(debits=MONEY, credits=MONEY, difference=MONEY)),
)
ENTRY: Final = named(
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
RECEIPT: Final = record(id=text("evt_1PqHcZ"), status=choice("stored", "known"))
