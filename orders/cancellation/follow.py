"""What an order does when its hold is gone: released, it is canceled; dead, it waits for money."""

import uuid
from typing import Final

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from orders import fulfillment, inventory
from orders.fulfillment import rows as fulfillment_rows
from orders.models import Order
from orders.states import ORDER

BY: Final = "system:cancellation"
_CANCELABLE: Final = ("placed", "on_hold", "payment_required", "fulfilling")


def cancel_for_void(payment_id: uuid.UUID) -> bool:
    """Cancel the order of a voided payment; False when there is none, or it is over already.

    An order of which something was shipped is left alone: that is for a person to decide.
    """
    order = Order.objects.filter(payment_id=payment_id, payment__state="voided").first()
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
    if order is None:
        return False
    try:
        with durable():
            _stop_for_payment(order.pk)
    except IllegalTransition:
        return False
    return True


def _stop_for_payment(order_id: uuid.UUID) -> None:
    order = fulfillment_rows.locked(order_id)
    reason = "the authorization died before it was captured"
    move(order, table=ORDER, to="payment_required", by=BY, reason=reason, next_step_at=None)
    fulfillment.cancel_pending(order, by=BY, reason=reason)
    facts = {"order": order.reference, "order_id": str(order.pk)}
    outbox.record(order.checkout_id, [Event("order.payment_required", facts)])


def follow_payment(payment_id: uuid.UUID) -> None:
    """Bring an order in line with what became of its payment; a repeat changes nothing."""
    if not cancel_for_void(payment_id):
        require_payment(payment_id)
