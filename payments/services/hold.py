"""What became of a hold: taken, let go, expired. The rows, the move and the events of it."""

from typing import Any

from foundation import clock
from payments.amounts import Amounts, fold
from payments.models import Payment, PaymentTransaction
from payments.postings import DISPUTE_NOTE
from payments.processors.base import ProcessorPayment
from payments.services import difference, steps
from payments.services.attention import CAPTURED_ABOVE_HOLD, needs_person
from payments.services.difference import Difference
from payments.services.steps import Kind, Wish


def follow(payment: Payment, seen: ProcessorPayment, *, by: str, source: str) -> bool:
    """Append the captures, the release and the fees that our rows do not show yet.

    Under the payment's row lock; of a claimed payment the caller holds the lease, and the claim
    is closed when the processor shows its end. Returns whether anything changed.
    """
    known = _known(payment)
    found = difference.between(known, seen)
    closes = is_end_of_claim(payment, found)
    facts = {} if found.is_over else _facts(payment, seen)
    if found.is_nothing and not closes and not facts:
        return False
    was, end = payment.state, _end(payment, seen, found, known)
    rows = _rows(payment, found, end=end, source=source)
    if found.captured:
        facts["capture_sequence"] = payment.capture_sequence + 1
    amounts = steps.book(payment, *rows, by=by, to=end, closes_claim=closes, **facts)
    told = steps.money(payment, found.captured or found.released)
    steps.tell(payment, _events(payment, found, amounts, was=was), amount=told)
    _report(payment, found, was=was)
    return True


def is_end_of_claim(payment: Payment, found: Difference) -> bool:
    """Whether this is what the claim under way was waiting for (or what made it impossible)."""
    if payment.state == "capturing":
        return found.captured > 0 or found.is_over
    return payment.state == "voiding" and found.is_over


def _known(payment: Payment) -> Amounts:
    """What we know of the hold; a dispute's fee is none of the captures'."""
    return fold(
        step
        for step in payment.transactions.all()
        if not (step.kind == Kind.FEE and step.note == DISPUTE_NOTE)
    )


def _end(payment: Payment, seen: ProcessorPayment, found: Difference, known: Amounts) -> str:
    """How a hold ended of which nothing was taken; "" when the amounts say it themselves."""
    if not found.is_over or found.captured or known.captured:
        return ""
    if payment.state == "voiding":
        return "voided"
    return "expired" if _has_expired(payment, seen) else ""


def _has_expired(payment: Payment, seen: ProcessorPayment) -> bool:
    """The processor says it; only when it does not, the deadline tells."""
    if seen.is_expired is not None:
        return seen.is_expired
    return payment.capture_before is not None and clock.now() >= payment.capture_before


def _facts(payment: Payment, seen: ProcessorPayment) -> dict[str, Any]:
    """A deadline that the processor moved."""
    if seen.capture_before in (None, payment.capture_before):
        return {}
    return {"capture_before": seen.capture_before}


def _rows(
    payment: Payment, found: Difference, *, end: str, source: str
) -> list[PaymentTransaction]:
    """The missing steps, each with whoever wished for it."""
    elsewhere, nth_fee = Wish("processor", source), 0
    if found.fee:
        nth_fee = steps.next_sequence(payment, Kind.FEE)
    made = [
        steps.row(payment, Kind.AUTHORIZATION, found.authorized, elsewhere),
        steps.row(
            payment, Kind.CAPTURE, found.captured, _taker(payment) or elsewhere,
            sequence=payment.capture_sequence,
        ),
        steps.row(
            payment, Kind.VOID, found.released, _releaser(payment, found) or elsewhere,
            note="expired" if end == "expired" else _remainder(payment, found),
        ),
        steps.row(payment, Kind.FEE, found.fee, elsewhere, sequence=nth_fee),
    ]  # fmt: skip
    return [row for row in made if row.amount]


def _taker(payment: Payment) -> Wish | None:
    """Who asked for the capture under way; None when what was taken was taken elsewhere."""
    return steps.claimed(payment) if payment.state == "capturing" else None


def _releaser(payment: Payment, found: Difference) -> Wish | None:
    """Who let go of the hold: the void under way, or whoever took the last of it."""
    if payment.state == "voiding" and not found.captured:
        return steps.claimed(payment)
    if payment.state == "capturing" and found.captured:
        return Wish(payment.claimed_by, payment.claimed_source)
    return None


def _remainder(payment: Payment, found: Difference) -> str:
    return "remainder" if payment.captured_amount + found.captured else ""


def _events(payment: Payment, found: Difference, amounts: Amounts, *, was: str) -> list[str]:
    """What to tell, now that it is booked."""
    if found.captured:
        return ["payment.partially_captured" if amounts.capturable else "payment.captured"]
    if payment.state == "expired" != was:
        return ["payment.expired"]
    if payment.state == "voided" != was:
        # A hold that was released for a new one is told of with the new one.
        is_replaced = Payment.objects.filter(replaces=payment).exists()
        return [] if is_replaced else ["payment.voided"]
    return ["payment.remainder_released"] if found.released else []


def _report(payment: Payment, found: Difference, *, was: str) -> None:
    """More was taken than held, or than asked for: it is booked, and a person must look."""
    too_much = found.excess
    if was == "capturing":
        too_much += max(0, found.captured - payment.claimed_amount)
    if too_much:
        detail = f"{payment.claimed_amount} asked for, {found.captured} taken"
        needs_person(payment, CAPTURED_ABOVE_HOLD, amount=too_much, detail=detail)
