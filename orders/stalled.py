"""Orders whose next step is due and nobody is at work on: found in the rows, told of again.

Chains only carry the work on quickly. A lost message, a killed worker, a flushed broker: the
row still says what is due, and this sweep says `order.stalled`, which is routed like
`order.placed`.
"""

import uuid

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation import clock
from foundation.backoff import doubling
from foundation.idempotency import from_now
from foundation.transactions import durable
from orders import notifications, settlement
from orders.models import Order
from payments.states import COVERED, TAKEN

_IS_SHIPPED_FROM = ("fulfilling", "completed")
_NOT_BEGUN = ("placed", "on_hold", "canceling")
_STALLS_COUNTED = 1_000  # far past the point where staff see it; the sweep itself never gives up


def notify_and_settle(order_id: uuid.UUID) -> None:
    """The last link of the chain: tell the customer, and stop watching once all is done."""
    order = Order.objects.select_related("payment").get(pk=order_id)
    is_covered = order.payment.state in (*COVERED, *TAKEN)
    if order.state in _IS_SHIPPED_FROM and not is_covered:
        return  # it follows its payment first
    for template, number in notifications.due(order):
        notifications.notify(order_id, template=template, number=number)
    if order.state not in _NOT_BEGUN and notifications.is_told(order):
        _watch_until(order)


def _watch_until(order: Order) -> None:
    """Nobody need look again, or not before the money is due.

    Guarded by what was read: whoever wrote down meanwhile that something is due again wins.
    """
    unchanged = Order.objects.filter(pk=order.pk, next_step_at=order.next_step_at)
    if settlement.is_through(order):
        unchanged.update(next_step_at=None)
    elif settlement.is_deferred(order):
        unchanged.update(next_step_at=order.settle_at, stalls=0)


def restart_stalled_orders(*, limit: int) -> int:
    """Tell again of up to `limit` orders whose next step is due; returns how many."""
    with durable():
        orders = list(
            Order.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
            .filter(next_step_at__lte=clock.now())
            .order_by("next_step_at")[:limit]
        )
        for order in orders:
            _tell_again(order)
    return len(orders)


def _tell_again(order: Order) -> None:
    order.stalls = min(order.stalls + 1, _STALLS_COUNTED)
    pause = doubling(settings.STALLED_AFTER_SECONDS, times=order.stalls, most=3600.0)
    order.next_step_at = from_now(pause)
    order.save(update_fields=["stalls", "next_step_at"])
    facts = {
        "order": order.reference,
        "order_id": str(order.pk),
        "payment_id": str(order.payment_id),
    }
    outbox.record(order.checkout_id, [Event("order.stalled", facts)])
