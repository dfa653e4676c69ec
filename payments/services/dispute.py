"""A shopper's bank takes the money back, and may return it: our rows follow what it did.

Amounts are leveled, not applied: what the processor says is withdrawn now is compared with what
our transactions say, and the difference is written down. So a dispute may be seen first when it
is over, twice, or again after it was won, and the sums are the same.
"""

import logging
from typing import Final

from django.db.models import Max

from events import outbox
from events.outbox import Event
from foundation import clock
from foundation.state_machine import move
from payments import representations
from payments.amounts import fold
from payments.models import Dispute, Payment, PaymentTransaction, Source
from payments.processors.base import ProcessorDispute
from payments.services import steps
from payments.states import DISPUTE

Kind = PaymentTransaction.Kind
_log = logging.getLogger(__name__)
NOTE: Final = "dispute"
# Reopened, a dispute takes the money once more: each round's rows are numbered above the last's.
_ROUND: Final = 100
_STATE: Final = {
    "needs_response": "open",
    "under_review": "open",
    "warning_needs_response": "open",
    "warning_under_review": "open",
    # over without a loss: https://docs.stripe.com/api/disputes/object#dispute_object-status
    "warning_closed": "won",
    "prevented": "won",
    "won": "won",
    "lost": "lost",
}
_NOTHING_TAKEN: Final = ("warning_closed", "prevented")


def record(payment: Payment, seen: ProcessorDispute, *, by: str) -> bool:
    """Bring our rows in line with one dispute as the processor sees it now.

    In the caller's transaction, which holds the payment's row lock and has made sure that nobody
    is at work on it. Returns whether anything changed. Tells `dispute.opened` when a dispute is
    new, an inquiry takes the money, or one that was won goes on; `dispute.closed` at its end.
    """
    row = Dispute.objects.filter(processor_reference=seen.processor_reference).first()
    news = ["dispute.opened"] if row is None else []
    row = row or _open(payment, seen)
    news += _follow(row, seen, by=by)
    missing = _missing_steps(payment, row, fee_amount=seen.fee_amount or 0, by=by)
    if missing or news:
        _bring_in_line(payment, missing, by=by)
        _tell(payment, row, news)
    return bool(missing or news)


def _open(payment: Payment, seen: ProcessorDispute) -> Dispute:
    return Dispute.objects.create(
        payment=payment,
        sequence=payment.disputes.count() + 1,
        processor_reference=seen.processor_reference,
        amount=seen.amount,
        currency=seen.currency,
        is_inquiry=seen.is_inquiry,
        reason=seen.reason[:64],
    )


def _follow(row: Dispute, seen: ProcessorDispute, *, by: str) -> list[str]:
    """Its facts and its state; the types of what must be told."""
    news = ["dispute.opened"] if row.is_inquiry and not seen.is_inquiry else []
    row.amount = seen.amount
    row.is_inquiry = seen.is_inquiry
    row.evidence_due_by = seen.evidence_due_by
    row.processor_status = seen.status
    row.save(update_fields=["amount", "is_inquiry", "evidence_due_by", "processor_status"])
    state = _STATE[seen.status]
    if state == row.state:
        return news
    closed_at = None if state == "open" else clock.now()
    move(row, table=DISPUTE, to=state, by=by, reason=seen.status, closed_at=closed_at)
    return [*news, "dispute.opened" if state == "open" else "dispute.closed"]


def _missing_steps(
    payment: Payment, row: Dispute, *, fee_amount: int, by: str
) -> list[PaymentTransaction]:
    """What the bank did with this dispute's money that no transaction of ours tells yet."""
    written = list(payment.transactions.filter(processor_reference=row.processor_reference))
    amounts = fold(written)
    missing, level = [], amounts.charged_back
    for target in _levels(payment, row, is_first=not written):
        kind = Kind.CHARGEBACK if target > level else Kind.CHARGEBACK_REVERSAL
        missing.append((kind, abs(target - level)))
        level = target
    missing.append((Kind.FEE, fee_amount - amounts.fees))
    return [
        PaymentTransaction(
            payment=payment,
            kind=kind,
            sequence=_sequence(payment, row, kind),
            succeeded=True,
            amount=amount,
            currency=payment.currency,
            processor_reference=row.processor_reference,
            note=NOTE,
            source=Source.PROCESSOR,
            actor=by,
        )
        for kind, amount in missing
        if amount > 0
    ]


def _levels(payment: Payment, row: Dispute, *, is_first: bool) -> tuple[int, ...]:
    """What the bank held of ours because of this dispute, one level after the other, to now.

    A dispute that is seen first when it is won took the money all the same, and returned it:
    the processor's books have both lines, so ours have them too.
    """
    if row.is_inquiry or row.processor_status in _NOTHING_TAKEN:
        return (0,)
    if row.currency != payment.currency:
        _log.error("%s is in %s, its payment is not: not booked", row.reference, row.currency)
        return (0,)
    if row.state == "won":
        return (row.amount, 0) if is_first else (0,)
    return (row.amount,)


def _sequence(payment: Payment, row: Dispute, kind: Kind) -> int:
    """The dispute's own number, above it in later rounds; fees are counted whatever for."""
    of_kind = payment.transactions.filter(kind=kind)
    if kind == Kind.FEE:
        return int(of_kind.aggregate(last=Max("sequence"))["last"] or 0) + 1
    rounds = of_kind.filter(processor_reference=row.processor_reference).count()
    return row.sequence + _ROUND * rounds


def _bring_in_line(payment: Payment, missing: list[PaymentTransaction], *, by: str) -> None:
    """The payment's columns and its state, then the steps they are folded from.

    A capture or a void of the rest that is in doubt stays so, whatever the bank does meanwhile.
    """
    is_disputed = payment.disputes.filter(state="open", is_inquiry=False).exists()
    steps.book(payment, *missing, by=by, reason="dispute", is_disputed=is_disputed)


def _tell(payment: Payment, row: Dispute, news: list[str]) -> None:
    facts = {
        "payment": payment.reference,
        "payment_id": str(payment.pk),
        "dispute": row.reference,
        "dispute_id": str(row.pk),
        "amount": representations.money(row.amount, row.currency),
    }
    if news:
        outbox.record(payment.stream, [Event(each, facts) for each in news])
