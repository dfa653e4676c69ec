"""What each step of a cancellation does. Home steps run in the engine's transaction."""

from collections.abc import Callable
from functools import partial
from typing import Final

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation import audit
from foundation.backoff import doubling
from foundation.idempotency import from_now
from foundation.saga import Pause
from foundation.state_machine import move
from orders import fulfillment, inventory
from orders.cancellation.money import Release, release
from orders.fulfillment import rows
from orders.models import Cancellation, Order
from orders.refusals import CancellationInProgress, OrderNotCancelable
from orders.states import ORDER
from payments.models import Source

_DAY_SECONDS: Final = 86_400.0
_WHY_NOT: Final = {
    "completed": ("shipped", "Everything was shipped. Goods that come back are refunded."),
    "canceled": ("canceled", "It is canceled already."),
}


def claim_order(cancellation: Cancellation) -> None:
    """→ `canceling`: from here on nothing of it is captured, shipped or changed by others.

    Raises `OrderNotCancelable` or `CancellationInProgress`; then nothing is stored.
    """
    order = rows.locked(cancellation.order_id)
    refuse_unless_cancelable(order)
    before = {"state": order.state}
    move(
        order,
        table=ORDER,
        to="canceling",
        by=cancellation.actor,
        reason=cancellation.reason,
        next_step_at=None,
    )
    cancellation.order = order
    audit.record(
        actor=cancellation.actor,
        action="order.cancel",
        aggregate="order",
        aggregate_id=order.pk,
        reason=cancellation.reason,
        before=before,
        after={"state": order.state},
    )
    outbox.record(
        order.checkout_id,
        [Event("order.cancellation_started", _facts(order))],
        client_id=order.client_id,
    )


def refuse_unless_cancelable(order: Order) -> None:
    """Raises the refusal that says why this order can not be canceled now."""
    if order.state == "canceling":
        raise CancellationInProgress("See the order for what became of it.", order=order.reference)
    reason, text = _WHY_NOT.get(order.state, ("", ""))
    if fulfillment.is_under_way(order):
        reason, text = "shipped", "Something of it was shipped. Goods that come back are refunded."
    elif not reason and order.payment.is_disputed:
        reason, text = "disputed", "The bank decides about this payment; it can not be given back."
    if reason:
        raise OrderNotCancelable(text, reason=reason, order=order.reference)


def stop_fulfillment(cancellation: Cancellation) -> None:
    """The warehouse owes nothing any more."""
    fulfillment.cancel_pending(
        cancellation.order, by=cancellation.actor, reason=cancellation.reason
    )


def intend_release(cancellation: Cancellation) -> Callable[[], Release] | None:
    """Ask for the money's release until it is settled; asked again after any crash."""
    if cancellation.payment_action:
        return None
    return partial(
        release,
        cancellation.order.payment_id,
        by=cancellation.actor,
        reason=cancellation.reason,
        source=Source(cancellation.source),
    )


def record_release(cancellation: Cancellation, told: Release) -> None:
    """What became of the money, or a pause while it is not known, or while somebody keeps it."""
    if told.progress == "settled":
        cancellation.payment_action = told.action
        cancellation.last_error = ""
        if cancellation.state == "needs_attention":
            cancellation.state = "releasing"
        return
    cancellation.tries += 1
    cancellation.last_error = (told.detail or told.payment.state)[:120]
    pause = doubling(settings.RESOLVE_FIRST_SECONDS, times=cancellation.tries, most=_DAY_SECONDS)
    is_case = cancellation.tries >= settings.ATTENTION_AFTER_TRIES or told.progress == "refused"
    raise Pause("needs_attention" if is_case else "releasing", seconds=pause)


def return_stock(cancellation: Cancellation) -> None:
    """What was committed to the order is for sale again; a repeat changes nothing."""
    inventory.release(cancellation.order.checkout_id, states=("committed",))


def close_order(cancellation: Cancellation) -> None:
    """canceling → canceled, told to whoever listens, and to the customer after the commit."""
    order = cancellation.order
    move(
        order,
        table=ORDER,
        to="canceled",
        by=cancellation.actor,
        reason=cancellation.reason,
        only_from=("canceling",),
        next_step_at=from_now(settings.STALLED_AFTER_SECONDS),
    )
    outbox.record(
        order.checkout_id, [Event("order.canceled", _facts(order))], client_id=order.client_id
    )


def _facts(order: Order) -> dict[str, str]:
    return {"order": order.reference, "order_id": str(order.pk)}
