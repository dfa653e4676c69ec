"""What an order does when something became of its payment that it did not ask for.

Released: it is canceled. Dead: it waits for money. Replaced: it goes on with the new hold, or
waits for money when there is none.
"""

import uuid
from typing import Final

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from orders import fulfillment, inventory, repayment
from orders.cancellation import attention, money
from orders.fulfillment import rows as fulfillment_rows
from orders.models import Order
from orders.states import ORDER
from payments.models import Payment, Source

BY: Final = "system:cancellation"
# An order that waits for money is not canceled because the hold that died was released as well.
_CANCELABLE: Final = ("placed", "on_hold", "fulfilling")
_STOPPABLE: Final = ("placed", "fulfilling")
_DIED: Final = "the authorization died before it was captured"


def follow_payment(payment_id: uuid.UUID) -> None:
    """Bring an order in line with what became of its payment; a repeat changes nothing."""
    order = _order_of(payment_id)
    if order is None:
        return
    newest = repayment.newest(order.payment)
    if newest.pk != order.payment_id:
        _follow_replacement(order, newest)
    elif not cancel_for_void(payment_id) and not require_payment(payment_id):
        _tell_if_shipped_unpaid(order)


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
        _stop(order.pk, reason=f"the new authorization is {newest.state}")


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
    outbox.record(order.checkout_id, [Event("order.canceled", facts)])


def require_payment(payment_id: uuid.UUID) -> bool:
    """The hold died untaken: nothing ships until it is paid for again. False when it does not.

    The stock stays with the order: whether to ask for another card or to let go is a decision.
    """
    order = Order.objects.filter(payment_id=payment_id, payment__state="expired").first()
    return order is not None and _stop(order.pk, reason=_DIED)


def _stop(order_id: uuid.UUID, *, reason: str) -> bool:
    try:
        with durable():
            stop_for_payment(fulfillment_rows.locked(order_id), reason=reason)
    except IllegalTransition:
        return False
    return True


def stop_for_payment(order: Order, *, reason: str) -> None:
    """→ `payment_required`, in the caller's transaction and under the order's lock.

    Raises `IllegalTransition` for an order that is over, being canceled, or stopped already.
    """
    move(
        order,
        table=ORDER,
        to="payment_required",
        by=BY,
        reason=reason,
        only_from=_STOPPABLE,
        next_step_at=None,
    )
    fulfillment.cancel_pending(order, by=BY, reason=reason)
    attention.tell_unpaid(order, reason=reason)
    facts = {"order": order.reference, "order_id": str(order.pk)}
    outbox.record(order.checkout_id, [Event("order.payment_required", facts)])


def _tell_if_shipped_unpaid(order: Order) -> None:
    payment = order.payment
    is_dead = payment.state in ("voided", "expired") and payment.captured_amount == 0
    if is_dead and order.state in ("fulfilling", "completed"):
        with durable():
            attention.tell_shipped_unpaid(order)
