"""An order that must be paid for again: a new hold is asked for, and the order goes on with it."""

import uuid
from typing import Final

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation.idempotency import from_now
from foundation.state_machine import move
from foundation.transactions import durable
from orders import fulfillment, payment_guard
from orders.fulfillment import rows
from orders.models import Order
from orders.refusals import OrderNotFulfillable
from orders.states import ORDER
from payments.models import Payment, Source
from payments.services import capture, reauthorize
from payments.states import COVERED

BY: Final = "system:repayment"
MAY_BE_PAID: Final = ("placed", "fulfilling", "payment_required")
HELD_OR_TAKEN: Final = (*COVERED, "partially_refunded")


def ask_again(order_id: uuid.UUID, *, by: str, reason: str, source: Source) -> Payment:
    """Ask for a new hold in place of the order's, with the card it was bought with.

    Returns the new payment, settled or not; the order follows it by its events. Raises what
    `claim` raises.
    """
    with durable():
        made = claim(rows.locked(order_id), by=by, reason=reason, source=source)
    return reauthorize.send(made, by=by)


def claim(order: Order, *, by: str, reason: str, source: Source) -> Payment:
    """Write the new hold down and let go of the old one, in the caller's transaction.

    Under the order's lock: nothing ships between the look and the claim. Raises
    `OrderNotFulfillable`, `ShippedGoodsUnpaid`, and the refusals of `reauthorize`.
    """
    if order.state not in MAY_BE_PAID:
        raise OrderNotFulfillable(f"It is {order.state}.", order_status=order.state)
    old = newest(order.payment)
    if old.state == "authorized" and not capture.was_refused(old.pk):
        payment_guard.refuse_if_shipped_unpaid(order)
    return reauthorize.claim(old.pk, by=by, reason=reason, source=source)


def newest(payment: Payment) -> Payment:
    """The last of the holds that were asked for, each in place of the one before."""
    while (following := Payment.objects.filter(replaces=payment).first()) is not None:
        payment = following
    return payment


def adopt(order_id: uuid.UUID, made: Payment) -> None:
    """The order stands on its new hold, in a transaction of its own; a repeat is a no-op.

    An order that is over, or being canceled, adopts nothing: its cancellation releases the new
    hold too.
    """
    with durable():
        order = rows.locked(order_id)
        if order.payment_id == made.pk or order.state not in MAY_BE_PAID:
            return
        order.payment = made
        order.save(update_fields=["payment"])
        go_on(order, reason="it is paid for again")


def go_on(order: Order, *, reason: str) -> None:
    """What it owes is owed again, and whatever follows an order is started again.

    In the caller's transaction, under the order's lock.
    """
    order.stalls, order.next_step_at = 0, from_now(settings.STALLED_AFTER_SECONDS)
    order.save(update_fields=["next_step_at", "stalls"])
    if order.state == "payment_required":
        _leave_the_wait(order, reason=reason)
    outbox.record(
        order.checkout_id, [Event("order.payment_restored", order.ids)], client_id=order.client_id
    )


def _leave_the_wait(order: Order, *, reason: str) -> None:
    """payment_required → placed, or → fulfilling when something of it was shipped before."""
    if not fulfillment.is_under_way(order):
        move(order, table=ORDER, to="placed", by=BY, reason=reason)
        return
    move(order, table=ORDER, to="fulfilling", by=BY, reason=reason)
    fulfillment.owe_the_rest(order)
