"""What an order does when something became of its payment that it did not ask for.

Released: it is canceled. Dead, or taken in part only: it waits for money. Taken after all: it goes
on. Replaced: it goes on with the new hold, or waits for money when there is none.
"""

import uuid
from typing import Final

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation.idempotency import from_now
from foundation.money import Money
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from orders import fulfillment, inventory, repayment
from orders.cancellation import attention, coverage, money
from orders.fulfillment import cover
from orders.fulfillment import rows as fulfillment_rows
from orders.models import Order
from orders.states import ORDER
from payments.models import Payment, Source

BY: Final = coverage.BY
# An order that waits for money is not canceled because the hold that died was released as well.
_CANCELABLE: Final = ("placed", "on_hold", "fulfilling")
_MAY_HAVE_SHIPPED: Final = ("fulfilling", "payment_required", "completed")


def follow_payment(payment_id: uuid.UUID) -> None:
    """Bring an order in line with what became of its payment; a repeat changes nothing."""
    order = _order_of(payment_id)
    if order is None or coverage.is_in_line(order):
        return
    newest = repayment.newest(order.payment)
    if newest.pk != order.payment_id:
        _follow_replacement(order, newest)
    elif not cancel_for_void(payment_id):
        coverage.reconsider(order.pk)
        _tell_if_shipped_unpaid(order.pk)


def _order_of(payment_id: uuid.UUID) -> Order | None:
    """The order of this payment, or of the one in whose place it was made, and so on back."""
    following: uuid.UUID | None = payment_id
    while following is not None:
        order = Order.objects.select_related("payment").filter(payment_id=following).first()
        if order is not None:
            return order
        following = Payment.objects.values_list("replaces_id", flat=True).get(pk=following)
    return None


def _follow_replacement(order: Order, newest: Payment) -> None:
    """A new hold that is not settled yet says nothing; its end is told of."""
    if newest.state in repayment.HELD_OR_TAKEN:
        repayment.adopt(order.pk, newest)
        _release_if_too_late(order)
    elif newest.state in ("declined", "abandoned", "expired", "voided"):
        coverage.reconsider(order.pk, reason=f"the new authorization is {newest.state}")
        _tell_if_shipped_unpaid(order.pk)


def _release_if_too_late(order: Order) -> None:
    """A new hold may be asked for in the moment in which its order is canceled: nobody else
    would ever look at it."""
    if Order.objects.filter(pk=order.pk, state="canceled").exists():
        reason = "its order is canceled"
        money.release(order.payment_id, by=BY, reason=reason, source=Source.SYSTEM)


def cancel_for_void(payment_id: uuid.UUID) -> bool:
    """Cancel the order of a voided payment; False when there is none, or it is over already.

    An order of which something was shipped is left alone: that is for a person to decide.
    """
    voided = Order.objects.filter(payment_id=payment_id, payment__state="voided")
    order = voided.filter(payment__replaced_by__isnull=True).first()
    if order is None:
        return False
    try:
        with durable():
            _cancel(order.pk)
    except IllegalTransition:
        return False
    return True


def _cancel(order_id: uuid.UUID) -> None:
    """All of it or, when something is on its way already, none of it."""
    order = fulfillment_rows.locked(order_id)
    if fulfillment.is_under_way(order):
        raise IllegalTransition(f"order {order}: something was shipped")
    reason = "payment voided"
    move(
        order,
        table=ORDER,
        to="canceled",
        by=BY,
        reason=reason,
        only_from=_CANCELABLE,
        next_step_at=from_now(settings.STALLED_AFTER_SECONDS),
    )
    fulfillment.cancel_pending(order, by=BY, reason=reason)
    inventory.release(order.checkout_id, states=("committed",))
    facts = {"order": order.reference, "order_id": str(order.pk)}
    outbox.record(order.checkout_id, [Event("order.canceled", facts)], client_id=order.client_id)


def _tell_if_shipped_unpaid(order_id: uuid.UUID) -> None:
    order = Order.objects.select_related("payment").get(pk=order_id)
    payment = order.payment
    is_dead = payment.state in ("voided", "expired") and payment.captured_amount == 0
    if not is_dead or order.state not in _MAY_HAVE_SHIPPED:
        return
    if worth := cover.worth_of_shipped(order):
        with durable():
            attention.tell_shipped_unpaid(order, Money(worth, order.currency))
