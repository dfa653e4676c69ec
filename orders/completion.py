"""An order of which a part was shipped ends with that: the rest is neither owed nor held any more.

For a person only: what was shipped is paid, nothing will pay for the rest, and the shopper agrees.
"""

import uuid
from collections.abc import Callable
from typing import Final

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation import audit, cases
from foundation.idempotency import from_now
from foundation.money import Money
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from orders import fulfillment, inventory, repayment
from orders.cancellation import attention, coverage
from orders.fulfillment import cover, rows
from orders.models import Order
from orders.refusals import OrderNotCompletable
from orders.states import ORDER
from payments.models import Payment, Source
from payments.services import steps, void
from payments.states import IN_DOUBT

MAY_END: Final = ("payment_required", "fulfilling")
_NO_HOLD: Final = ("expired", "voided", "declined", "abandoned")


def complete_with_what_shipped(
    order_id: uuid.UUID,
    *,
    by: str,
    reason: str,
    guard: Callable[[Payment, int], None] | None = None,
) -> Order:
    """→ `completed`, in one transaction; a hold that is left is released after it.

    The stock of what was not shipped is for sale again. What was taken for it is not given back
    by this: it is a case. `guard` is asked with the amount that is let go, under the locks. Raises
    `OrderNotCompletable`, and what the guard raises.
    """
    with durable():
        order = rows.locked(order_id)
        payment = order.payment
        steps.lock_and_read(payment)
        refuse_unless_completable(order)
        if guard is not None:
            guard(payment, payment.capturable)
        _end(order, by=by, reason=reason)
        if payment.capturable:
            void.claim_on_record(payment, by=by, reason=reason, source=Source.STAFF)
    if payment.state == "voiding":
        _release(payment, by=by)
    return order


def refuse_unless_completable(order: Order) -> None:
    """Raises `OrderNotCompletable` with the reason, in words."""
    payment = order.payment
    if order.state not in MAY_END:
        raise _not(order, f"The order is {order.state}.")
    if not fulfillment.is_under_way(order):
        raise _not(order, "Nothing of it was shipped. Cancel it instead.")
    if payment.state in IN_DOUBT or _is_asked_anew(order):
        raise _not(order, "Its payment is being worked on. Look again in a minute.")
    # What was taken counts although it was given back since, by us or by the bank: it was paid.
    shipped, taken = worth_of_shipped(order), payment.captured_amount
    if taken < shipped.amount:
        short = f"{shipped} were shipped, and {Money(taken, order.currency)} of that were taken."
        raise _not(order, f"{short} Capture what was shipped first.")


def _is_asked_anew(order: Order) -> bool:
    """A hold in place of this one lives, or may come to live."""
    newest = repayment.newest(order.payment)
    return newest.pk != order.payment_id and newest.state not in _NO_HOLD


def worth_of_shipped(order: Order) -> Money:
    """What was shipped so far comes to, tax and shipping included."""
    return Money(cover.worth_of_shipped(order), order.currency)


def _not(order: Order, detail: str) -> OrderNotCompletable:
    return OrderNotCompletable(detail, order=order.reference, order_status=order.state)


def _end(order: Order, *, by: str, reason: str) -> None:
    before = {"state": order.state}
    move(
        order,
        table=ORDER,
        to="completed",
        by=by,
        reason=reason,
        only_from=MAY_END,
        next_step_at=from_now(settings.STALLED_AFTER_SECONDS),
        stalls=0,
    )
    fulfillment.cancel_pending(order, by=by, reason=reason)
    cases.resolve(attention.UNPAID, order.pk, by=by, reason=reason)
    coverage.tell_if_kept(order)
    audit.record(
        actor=by,
        action="order.complete",
        aggregate="order",
        aggregate_id=order.pk,
        reason=reason,
        before=before,
        after={"state": order.state, "shipped": worth_of_shipped(order).as_json()},
    )
    outbox.record(
        order.checkout_id, [Event("order.completed", order.ids)], client_id=order.client_id
    )
    # last, so that the rows of products that others want are locked briefly
    inventory.release(order.checkout_id, states=("committed",))


def _release(payment: Payment, *, by: str) -> None:
    """What is left to do when this dies is written in the payment's row, and swept up."""
    try:
        void.send(payment, by=by)
    except IllegalTransition:
        payment.refresh_from_db()
