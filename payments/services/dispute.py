"""A shopper's bank takes the money back, and may return it: our rows follow what it did.

Amounts are leveled, not applied: what the processor says is withdrawn now is compared with what
our transactions say, and the difference is written down. So a dispute may be seen first when it
is over, twice, or again after it was won, and the sums are the same.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from foundation import cases, clock
from foundation.cases import Subject
from foundation.money import Money
from foundation.state_machine import move
from payments import representations
from payments.amounts import fold
from payments.models import Dispute, Payment, PaymentTransaction, Source
from payments.postings import DISPUTE_NOTE
from payments.processors.base import ProcessorDispute
from payments.services import steps
from payments.services.attention import DIFFERS
from payments.services.steps import Kind
from payments.states import DISPUTE

CASE: Final = "dispute_open"
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
    has_moved = (row.evidence_due_by, row.amount) != (seen.evidence_due_by, seen.amount)
    news += _follow(row, seen, by=by)
    fee_amount = seen.fees.get(payment.currency, 0)
    missing = _missing_steps(payment, row, fee_amount=fee_amount, by=by)
    if news or has_moved:
        _put_on_desk(row)
    _report_currency(payment, row, seen.fees)
    if missing or news:
        is_disputed = payment.disputes.filter(state="open", is_inquiry=False).exists()
        steps.book(payment, *missing, by=by, reason="dispute", is_disputed=is_disputed)
        _tell(payment, row, news)
    return bool(missing or news or has_moved)


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
    facts = {
        "amount": seen.amount,
        "fee_amount": seen.fees.get(row.currency) or row.fee_amount,
        "is_inquiry": seen.is_inquiry,
        "evidence_due_by": seen.evidence_due_by,
        "processor_status": seen.status,
    }
    for name, value in facts.items():
        setattr(row, name, value)
    row.save(update_fields=list(facts))
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
    wanted, level = [], amounts.charged_back
    for target in _levels(payment, row, is_first=not written):
        kind = Kind.CHARGEBACK if target > level else Kind.CHARGEBACK_REVERSAL
        wanted.append((kind, abs(target - level)))
        level = target
    wanted.append((Kind.FEE, fee_amount - amounts.fees))
    return [
        steps.row(
            payment, kind, amount, steps.Wish(by, Source.PROCESSOR), note=DISPUTE_NOTE,
            sequence=_sequence(payment, row, kind), processor_reference=row.processor_reference,
        )
        for kind, amount in wanted
        if amount > 0
    ]  # fmt: skip


def _levels(payment: Payment, row: Dispute, *, is_first: bool) -> tuple[int, ...]:
    """What the bank held of ours because of this dispute, one level after the other, to now.

    A dispute that is seen first when it is won took the money all the same, and returned it:
    the processor's books have both lines, so ours have them too.
    """
    if not _takes_money(row) or row.currency != payment.currency:
        return (0,)  # what is in another currency is a case: see `_report_currency`
    if row.state == "won":
        return (row.amount, 0) if is_first else (0,)
    return (row.amount,)


def _takes_money(row: Dispute) -> bool:
    return not row.is_inquiry and row.processor_status not in _NOTHING_TAKEN


def _put_on_desk(row: Dispute) -> None:
    """Open, it is a case: deadline and stake are the bank's, moved or not. Decided, it is over."""
    if row.state != "open":
        cases.resolve(CASE, row.pk, by="processor", reason=row.processor_status)
        return
    cases.open_once(
        CASE,
        about=Subject("dispute", row.pk),
        title=f"{row.reference}: {row.reason.replace('_', ' ') or 'disputed'}",
        detail=f"Hand the evidence in at the processor: {row.processor_reference}.",
        stake=Money(row.amount, row.currency),
        due_at=row.evidence_due_by,
    )


def _report_currency(payment: Payment, row: Dispute, fees: Mapping[str, int]) -> None:
    """What it took is not in the payment's currency: a person books what it came to.

    Told at every look: the fee may come after the news of the dispute, and without any.
    """
    took = _taken_elsewhere(payment, row, fees)
    if not took:
        return
    cases.open_once(
        DIFFERS,
        about=Subject("dispute", row.pk),
        title=f"{payment.reference}: disputed in {took[0].currency}",
        detail=f"{row.reference} took {' and '.join(map(str, took))}, fees included;"
        f" its payment is in {payment.currency}: not booked.",
        stake=took[0],
    )


def _taken_elsewhere(payment: Payment, row: Dispute, fees: Mapping[str, int]) -> list[Money]:
    """What the dispute took, fees included, in each currency but the payment's."""
    took = Counter({row.currency: row.amount} if _takes_money(row) else {})
    took.update(fees)
    return [
        Money(amount, currency)
        for currency, amount in took.items()
        if currency != payment.currency and amount > 0
    ]


def _sequence(payment: Payment, row: Dispute, kind: Kind) -> int:
    """The dispute's own number, above it in later rounds; fees are counted whatever for."""
    if kind == Kind.FEE:
        return steps.next_sequence(payment, Kind.FEE)
    rounds = payment.transactions.filter(kind=kind, processor_reference=row.processor_reference)
    return row.sequence + _ROUND * rounds.count()


def _tell(payment: Payment, row: Dispute, news: list[str]) -> None:
    amount = representations.money(row.amount, row.currency)
    steps.tell(payment, news, dispute=row.reference, dispute_id=str(row.pk), amount=amount)
