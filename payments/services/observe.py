"""STAND-IN until the observer lands; deleted then."""

import uuid

from django.conf import settings

from foundation import clock
from foundation.state_machine import move
from foundation.transactions import durable
from payments.amounts import fold, settled_state
from payments.models import Payment, PaymentTransaction, Refund, Source
from payments.processors import processor
from payments.processors.base import OutcomeUnknown, ProcessorUnavailable
from payments.services import dispute, journal
from payments.states import PAYMENT


class InFlight(Exception):
    """Somebody holds a live claim on this payment."""


class NotAnswered(Exception):
    """The processor did not say how the payment stands. Try later."""


def look_and_observe(payment_id: uuid.UUID, *, by: str, source: Source) -> Payment:
    payment = Payment.objects.get(pk=payment_id)
    _refuse(payment)
    port = processor(payment.processor)
    try:
        seen = port.find(
            reference=payment.reference,
            processor_reference=payment.processor_reference,
            since=payment.asked_at,
        )
        refunds = port.list_refunds(processor_reference=payment.processor_reference)
        disputes = port.list_disputes(processor_reference=payment.processor_reference)
    except (ProcessorUnavailable, OutcomeUnknown) as silence:
        raise NotAnswered(payment.reference) from silence
    with durable():
        payment = Payment.objects.select_for_update(no_key=True).get(pk=payment_id)
        _refuse(payment)
        steps = []
        have = fold(payment.transactions.all())
        if seen and seen.captured_amount > have.captured:
            steps.append(("capture", 1 + have.captured, seen.captured_amount - have.captured))
        if seen and seen.released_amount > have.voided:
            steps.append(("void", 1, seen.released_amount - have.voided))
        for number, refund in enumerate(reversed(refunds), start=1):
            _row, new = Refund.objects.get_or_create(
                processor_reference=refund.processor_reference,
                defaults={
                    "payment": payment, "sequence": number, "state": "succeeded",
                    "amount": refund.amount, "currency": refund.currency, "source": source,
                    "actor": by,
                },
            )  # fmt: skip
            if new:
                steps.append(("refund", number, refund.amount))
        rows = [
            PaymentTransaction(
                payment=payment, kind=k, sequence=min(n, 30000), succeeded=True, amount=a,
                currency=payment.currency, actor=by, source=source,
            )
            for k, n, a in steps
        ]  # fmt: skip
        if rows:
            amounts = fold([*payment.transactions.all(), *rows])
            to = settled_state(amounts, is_disputed=payment.is_disputed)
            move(
                payment, table=PAYMENT, to=to, by=by, captured_amount=amounts.captured,
                voided_amount=amounts.voided, refunded_amount=amounts.refunded,
            )  # fmt: skip
            journal.append(*rows)
        for each in reversed(disputes):
            dispute.record(payment, each, by=by)
    return payment


def _refuse(payment: Payment) -> None:
    if payment.state in ("authorizing", "unknown", "requires_action"):
        raise InFlight
    if payment.leased_until and payment.leased_until > clock.now() and settings.DEBUG is not None:
        raise InFlight
