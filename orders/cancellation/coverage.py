"""Keeping an order in line with what covers it: the one place where it stops, or goes on again.

    placed, fulfilling   and the payment is over and covers less than the order → payment_required
    payment_required     and what was taken, not merely held, covers all of it  → on as before
    completed            and more was taken than was shipped                    → a person's case

A hold alone is no reason to go on: whoever lets go of one stops its order first.
"""

import uuid
from typing import Final

from events import outbox
from events.outbox import Event
from foundation.money import Money
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from orders import fulfillment, repayment, values
from orders.cancellation import attention
from orders.fulfillment import cover, rows
from orders.models import Order
from orders.states import ORDER
from payments.models import Payment
from payments.services import steps

BY: Final = "system:cancellation"
STOPPABLE: Final = ("placed", "fulfilling")
# What is given back or disputed is somebody's decision, and no end of a hold.
ENDED: Final = ("captured", "partially_refunded", "expired", "voided")
_DIED: Final = "the authorization died before it was captured"


def is_in_line(order: Order) -> bool:
    """Whether there is nothing to reconsider, by the row that was read: the ordinary capture."""
    if cover.taken_amount(order.payment) < order.total_amount:
        return False
    return order.state in STOPPABLE or (order.state == "completed" and not kept_amount(order))


def reconsider(order_id: uuid.UUID, *, reason: str = "") -> bool:
    """Bring an order in line with its payment, under the locks of both; whether it moved."""
    try:
        with durable():
            order = rows.locked(order_id)
            steps.lock_and_read(order.payment)
            return _move(order, reason=reason)
    except IllegalTransition:
        return False


def _move(order: Order, *, reason: str) -> bool:
    if order.state in STOPPABLE and is_short(order) and _owes_units(order):
        if order.payment.state == "voided" and not (reason or fulfillment.is_under_way(order)):
            return False  # released a moment ago, with nothing shipped: its news cancels it
        stop_for_payment(order, reason=reason or _why(order.payment))
        return True
    if order.state == "payment_required" and is_paid(order):
        repayment.go_on(order, reason="it turned out to be paid")
        attention.is_paid(order)
        return True
    if order.state == "completed":
        tell_if_kept(order)
    return False


def tell_if_kept(order: Order) -> None:
    """Money of the shopper's for which nothing will be shipped any more is on a person's desk.

    In the caller's transaction, under the locks of the order, which is over, and of its payment.
    """
    if kept := kept_amount(order):
        attention.tell_taken_not_shipped(
            order,
            shipped=Money(cover.worth_of_shipped(order), order.currency),
            kept=Money(kept, order.currency),
        )


def kept_amount(order: Order) -> int:
    """What was taken, is still here, and is more than was shipped. Minor units."""
    return max(0, order.payment.refundable - cover.worth_of_shipped(order))


def _owes_units(order: Order) -> bool:
    """Of what is on its way as a whole nothing is left that could be stopped."""
    return not values.is_all(order.lines.all(), rows.shipped_units(order))


def is_short(order: Order) -> bool:
    """Nothing more will be held or taken, and what there is does not pay for the whole order."""
    payment = order.payment
    return payment.state in ENDED and cover.covered_amount(payment) < order.total_amount


def is_paid(order: Order) -> bool:
    """All of it was taken, and all of that is still here."""
    payment = order.payment
    return cover.taken_amount(payment) > 0 and payment.refundable >= order.total_amount


def _why(payment: Payment) -> str:
    if payment.captured_amount == 0:
        return _DIED
    taken = Money(payment.captured_amount, payment.currency)
    return f"{taken} of it were taken, and the rest is not held any more"


def stop_for_payment(order: Order, *, reason: str) -> None:
    """→ `payment_required`, in the caller's transaction and under the order's lock.

    The stock stays with the order: whether to ask for a new hold or to let go is a decision.
    Raises `IllegalTransition` for an order that is over, being canceled, or stopped already.
    """
    move(
        order,
        table=ORDER,
        to="payment_required",
        by=BY,
        reason=reason,
        only_from=STOPPABLE,
        next_step_at=None,
    )
    fulfillment.cancel_pending(order, by=BY, reason=reason)
    attention.tell_unpaid(order, reason=reason)
    facts = {"order": order.reference, "order_id": str(order.pk)}
    outbox.record(
        order.checkout_id, [Event("order.payment_required", facts)], client_id=order.client_id
    )
