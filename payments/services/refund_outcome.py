"""What becomes of a refund: it succeeds, it fails at once, or it comes back weeks later.

A refund seen at the processor is followed by its row, ours or one that somebody made there.
Everything here runs in the caller's transaction, under the payment's row lock, which always comes
before the refund's.
"""

import uuid
from typing import Any, Final

from foundation import clock, ids, rows
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition, move
from payments.models import Payment, PaymentTransaction, Refund, Source
from payments.processors.base import ProcessorRefund
from payments.services import steps
from payments.services.attention import REFUND_CAME_BACK, REFUND_DIFFERS, needs_person
from payments.services.steps import Kind, Wish
from payments.states import REFUND

_GONE: Final = ("failed", "canceled")


class OthersFirst(Exception):
    """A refund of ours must be settled before there is room for this one."""


def follow(payment: Payment, seen: ProcessorRefund, *, by: str) -> bool:
    """Bring our row of a refund in line with the processor's; whether anything changed.

    Under the payment's row lock. A refund that we never asked for gets a row of its own. Raises
    `OthersFirst` when a pending one of ours must be settled before there is room for it.
    """
    made = _ours(payment, seen)
    if made is None:
        made = _made_elsewhere(payment, seen)
        if made is None:
            return False
    if made.amount != seen.amount:
        detail = f"{made.reference}: {made.amount} here, {seen.amount} at the processor"
        needs_person(made, REFUND_DIFFERS, amount=seen.amount, detail=detail)
        return False
    made.payment = payment
    return settle(payment, made, seen, by=by)


def announced(refund_id: uuid.UUID) -> None:
    """Its success is written down above, or concerns nobody there: no sweep looks for it again."""
    unannounced = Refund.objects.filter(pk=refund_id, announced_at=None)
    unannounced.update(announced_at=clock.now())


def _ours(payment: Payment, seen: ProcessorRefund) -> Refund | None:
    refunds = Refund.objects.select_for_update(no_key=True).filter(payment=payment)
    row_id = ids.parse("rfd", seen.reference)
    found = refunds.filter(pk=row_id).first() if row_id else None
    return found or refunds.filter(processor_reference=seen.processor_reference).first()


def _made_elsewhere(payment: Payment, seen: ProcessorRefund) -> Refund | None:
    """A row for a refund that somebody made at the processor, unless it came to nothing."""
    if seen.status in _GONE:
        return None
    if payment.refunded_amount + payment.refund_pending_amount + seen.amount > (
        payment.captured_amount
    ):
        raise OthersFirst(payment.reference)
    made = Refund(
        payment=payment,
        sequence=next_sequence(payment),
        amount=seen.amount,
        currency=payment.currency,
        source=Source.PROCESSOR,
        actor="processor",
        processor_reference=seen.processor_reference,
        resolve_at=from_now(steps.patience(0)),
    )
    rows.insert(made)
    put_aside(payment, made.amount)
    steps.tell(payment, ["refund.created"], **facts(made))
    return made


def settle(payment: Payment, made: Refund, seen: ProcessorRefund, *, by: str) -> bool:
    """Move a refund to what the processor says of it; False when that is nothing new.

    Under the payment's row lock. A late `succeeded` about one that failed changes nothing.
    """
    if seen.status == "succeeded" and made.state == "pending":
        _succeed(payment, made, seen, by=by)
    elif seen.status in _GONE and made.state == "pending":
        _fail_while_pending(payment, made, seen, by=by)
    elif seen.status in _GONE and made.state == "succeeded":
        _fail_later(payment, made, code=_code(seen), by=by)
    else:
        return False
    return True


def _code(seen: ProcessorRefund) -> str:
    return (seen.failure_code or seen.status)[:64]


def _succeed(payment: Payment, made: Refund, seen: ProcessorRefund, *, by: str) -> None:
    _end(made, to="succeeded", by=by, processor_reference=seen.processor_reference)
    pending = payment.refund_pending_amount - made.amount
    steps.book(payment, _row(made, Kind.REFUND), by=by, refund_pending_amount=pending)
    steps.tell(payment, ["refund.succeeded"], **facts(made))


def fail(payment: Payment, made: Refund, *, code: str, by: str, **changes: Any) -> None:
    """It never left: the money is ours again, and may be given back anew."""
    _end(made, to="failed", by=by, failure_code=code[:64], **changes)
    pending = payment.refund_pending_amount - made.amount
    failed = _row(made, Kind.REFUND, succeeded=False, error_code=code[:64])
    steps.book(payment, failed, by=by, refund_pending_amount=pending)
    steps.tell(payment, ["refund.failed"], **facts(made), failure_code=code)


def _fail_while_pending(payment: Payment, made: Refund, seen: ProcessorRefund, *, by: str) -> None:
    """The processor had taken it on, so whoever asked for it was told that the money is on its
    way, and an order may be canceled by now: the customer is still owed it."""
    was_taken_on, code = bool(made.processor_reference), _code(seen)
    fail(payment, made, code=code, by=by, processor_reference=seen.processor_reference)
    if was_taken_on:
        needs_person(made, REFUND_CAME_BACK, amount=made.amount, detail=f"The bank says {code}")


def _fail_later(payment: Payment, made: Refund, *, code: str, by: str) -> None:
    """The bank sent it back: it counts as taken again, and the customer is still owed it."""
    _end(made, to="failed", by=by, failure_code=code)
    steps.book(payment, _row(made, Kind.REFUND_FAILURE, error_code=code), by=by)
    steps.tell(payment, ["refund.failed"], **facts(made), failure_code=code)
    needs_person(made, REFUND_CAME_BACK, amount=made.amount, detail=f"The bank says {code}")


def _end(made: Refund, *, to: str, by: str, **changes: Any) -> None:
    ended: dict[str, Any] = {"leased_until": None, "resolve_at": None, "ended_at": clock.now()}
    move(made, table=REFUND, to=to, by=by, only_from=(made.state,), **(ended | changes))


def _row(made: Refund, kind: Kind, **facts: Any) -> PaymentTransaction:
    wish = Wish(made.actor, made.source)
    reference = {"processor_reference": made.processor_reference}
    return steps.row(
        made.payment, kind, made.amount, wish, sequence=made.sequence, **reference | facts
    )


def next_sequence(payment: Payment) -> int:
    """The number of the payment's next refund."""
    last = payment.refunds.order_by("-sequence").values_list("sequence", flat=True).first()
    return (last or 0) + 1


def put_aside(payment: Payment, amount: int) -> None:
    """The database refuses more than was taken, whoever forgot to lock."""
    pending = payment.refund_pending_amount
    guard = {"refund_pending_amount": pending, "refunded_amount": payment.refunded_amount}
    if not rows.update(payment, guard=guard, refund_pending_amount=pending + amount):
        raise IllegalTransition(f"payment {payment.pk}: its refunds changed meanwhile")


def facts(made: Refund) -> dict[str, Any]:
    """What an event of a refund carries, next to the payment's ids."""
    return {
        "refund": made.reference,
        "refund_id": str(made.pk),
        "amount": steps.money(made.payment, made.amount),
    }
