"""Orders whose next step is due and nobody is at work on: found in the rows, told of again.

Chains only carry the work on quickly. A lost message, a killed worker, a flushed broker: the
row still says what is due, and this sweep says `order.stalled`, which is routed like
`order.placed`.
"""

import uuid
from typing import Final

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation import cases, clock
from foundation.backoff import doubling
from foundation.cases import Subject
from foundation.idempotency import from_now
from foundation.money import Money
from foundation.transactions import durable
from orders import notifications, settlement
from orders.models import Order
from payments.states import COVERED, TAKEN

PARKED: Final = "order_parked"
_IS_SHIPPED_FROM: Final = ("fulfilling", "completed")
_NOT_BEGUN: Final = ("placed", "on_hold", "canceling")
_MAY_BE_PARKED: Final = ("placed", "fulfilling", "completed", "canceled")
# A chain that came to its last link is no poison: while it waits for somebody else it is counted no
# higher than this, where the pause has grown to its longest.
_PATIENT: Final = 6
# Nothing more is to come of these by itself: an order that is still not begun then never will be.
_NOT_WAITED_FOR: Final = ("captured", "partially_refunded", "refunded")
_PAUSE_SECONDS_MAX: Final = 3600.0


def notify_and_settle(order_id: uuid.UUID) -> None:
    """The last link of the chain: tell the customer, and stop watching once all is done."""
    order = Order.objects.select_related("payment").get(pk=order_id)
    if order.stalls > _PATIENT and _waits(order):
        Order.objects.filter(pk=order_id).update(stalls=_PATIENT)
    is_covered = order.payment.state in (*COVERED, *TAKEN)
    if order.state in _IS_SHIPPED_FROM and not is_covered:
        return  # it follows its payment first
    notifications.tell_each(order, notifications.due(order))
    if order.state not in _NOT_BEGUN and notifications.is_told(order):
        _watch_until(order)


def _waits(order: Order) -> bool:
    """For the processor, a bank or a mail server; not for what nobody is going to do."""
    return order.state != "placed" or order.payment.state not in _NOT_WAITED_FOR


def _watch_until(order: Order) -> None:
    """Nobody need look again, or not before the money is due.

    Guarded by what was read: whoever wrote down meanwhile that something is due again wins.
    """
    unchanged = Order.objects.filter(pk=order.pk, next_step_at=order.next_step_at)
    if settlement.is_through(order):
        unchanged.update(next_step_at=None)
    elif settlement.is_deferred(order):
        unchanged.update(next_step_at=order.settle_at, stalls=0)


def is_parked(order: Order) -> bool:
    """Nothing is due although its steps are not done: only a person sets it going again."""
    if order.next_step_at is not None or order.state not in _MAY_BE_PARKED:
        return False
    is_done = notifications.is_told(order) and settlement.is_through(order)
    return order.state == "placed" or not is_done


def resume(order_id: uuid.UUID) -> bool:
    """Give a parked order all its tries again; False when it is not parked."""
    parked = Order.objects.filter(
        pk=order_id, next_step_at=None, stalls__gt=0, state__in=_MAY_BE_PARKED
    )
    return parked.update(stalls=0, next_step_at=clock.now()) == 1


def restart_stalled_orders(*, limit: int) -> int:
    """Tell again of up to `limit` orders whose next step is due; returns how many.

    The try is counted here, before the work starts: a step that kills its worker is counted
    like one that fails, and after `STALLS_MAX` of them the order is parked with a case. One
    that merely waits (a processor away for a day) is not: `notify_and_settle` sees to that. One
    that was given back whole before anything was owed is: nobody would ever look at it.
    """
    with durable():
        orders = list(
            Order.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
            .filter(next_step_at__lte=clock.now())
            .order_by("next_step_at")[:limit]
        )
        for order in orders:
            if order.stalls >= settings.STALLS_MAX:
                _park(order)
            else:
                _tell_again(order)
    return len(orders)


def _park(order: Order) -> None:
    order.next_step_at = None
    order.save(update_fields=["next_step_at"])
    cases.open_once(
        PARKED,
        about=Subject("order", order.pk),
        title=f"{order.reference} is parked: its next step does not get done",
        detail=f"It is {order.state}, its payment {order.payment.state};"
        f" started again {order.stalls} times.",
        stake=Money(order.total_amount, order.currency),
    )


def _tell_again(order: Order) -> None:
    order.stalls += 1
    pause = doubling(settings.STALLED_AFTER_SECONDS, times=order.stalls, most=_PAUSE_SECONDS_MAX)
    order.next_step_at = from_now(pause)
    order.save(update_fields=["stalls", "next_step_at"])
    outbox.record(order.checkout_id, [Event("order.stalled", order.ids)], client_id=order.client_id)
