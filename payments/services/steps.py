"""What every step at the processor has in common: the move, then its row, then the event.

The guarded, fenced move comes first: whoever lost the race writes nothing.
"""

from collections.abc import Sequence
from typing import Any

from events import outbox
from events.outbox import Event
from foundation.state_machine import move
from payments.amounts import Amounts, fold
from payments.models import Payment, PaymentTransaction
from payments.processors.base import ProcessorPayment
from payments.services import journal
from payments.states import PAYMENT

Kind = PaymentTransaction.Kind


def happened(
    payment: Payment, *, kind: Kind, amount: int, reference: str, by: str
) -> tuple[PaymentTransaction, Amounts]:
    """The row of a step that succeeded (unsaved), and what the payment amounts to with it."""
    step = PaymentTransaction(
        payment=payment,
        kind=kind,
        succeeded=True,
        amount=amount,
        currency=payment.currency,
        processor_reference=reference,
        actor=by,
    )
    return step, fold([*payment.transactions.all(), step])


def refused(payment: Payment, *, kind: Kind, code: str, by: str) -> PaymentTransaction:
    """The row of a step that the processor refused (unsaved)."""
    return PaymentTransaction(
        payment=payment,
        kind=kind,
        succeeded=False,
        amount=payment.authorized_amount,
        currency=payment.currency,
        error_code=code[:64],
        actor=by,
    )


def leave(
    payment: Payment,
    *,
    to: str,
    by: str,
    row: PaymentTransaction | None = None,
    tell: Sequence[str] = (),
    reason: str = "",
    **changes: Any,
) -> None:
    """Close a claimed step: fenced by the claim's token, with its row and its events.

    Raises `IllegalTransition` when somebody else closed it.
    """
    move(
        payment,
        table=PAYMENT,
        to=to,
        by=by,
        reason=reason,
        only_from=("capturing", "voiding"),
        fence={"lease_token": payment.lease_token},
        leased_until=None,
        look_ups=0,
        **changes,
    )
    if row is not None:
        journal.append(row)
    facts = {"payment": payment.reference, "payment_id": str(payment.pk)}
    if tell:
        outbox.record(payment.stream, [Event(event_type, facts) for event_type in tell])


def captured(payment: Payment, seen: ProcessorPayment, *, by: str, reason: str = "") -> None:
    """The processor says the money was taken, whoever asked for it."""
    row, amounts = happened(
        payment,
        kind=Kind.CAPTURE,
        amount=seen.captured_amount,
        reference=seen.processor_reference,
        by=by,
    )
    is_full = amounts.captured >= payment.authorized_amount
    leave(
        payment,
        to="captured" if is_full else "partially_captured",
        by=by,
        row=row,
        tell=["payment.captured"],
        reason=reason,
        captured_amount=amounts.captured,
    )
