"""Everything that a payment left in our tables, without ids and times: to compare two stories."""

from events.models import OutboxEvent
from foundation.models import Transition
from orders.models import Order
from payments.models import Payment, PaymentTransaction


def told_without(payment):
    """The payment, its steps, its moves and its order, as they would read in another life."""
    payment = Payment.objects.get(pk=payment.pk)
    steps = PaymentTransaction.objects.filter(payment=payment).order_by("pk")
    moves = Transition.objects.filter(aggregate_id=payment.pk).order_by("pk")
    order = Order.objects.filter(payment=payment).first()
    return {
        "payment": (payment.state, payment.captured_amount, payment.voided_amount,
                    payment.refunded_amount, payment.charged_back_amount),
        "steps": [(step.kind, step.sequence, step.succeeded, step.amount) for step in steps],
        "moves": [(move.from_state, move.to_state) for move in moves],
        "order": order and order.state,
    }  # fmt: skip


def steps(*kinds):
    """What disputes moved, as (kind, sequence, amount)."""
    rows = PaymentTransaction.objects.filter(note="dispute").order_by("pk")
    return [(row.kind, row.sequence, row.amount) for row in rows if row.kind in kinds or not kinds]


def told():
    """The events about disputes."""
    rows = OutboxEvent.objects.filter(type__startswith="dispute.").order_by("sequence")
    return [row.type for row in rows]
