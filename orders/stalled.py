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
from orders import notifications
from orders.models import Order
from payments.states import COVERED, TAKEN

PARKED: Final = "order_parked"
# A chain that came to its last link is no poison, whatever it found on the way: it is counted
# no higher than this, where the pause has grown to its longest.
_PATIENT: Final = 6
_PAUSE_SECONDS_MAX: Final = 3600.0


def notify_and_settle(order_id: uuid.UUID) -> None:
    """The last link of the chain: tell the customer, and stop watching once all is done."""
    order = Order.objects.select_related("payment").get(pk=order_id)
    if order.stalls > _PATIENT:
        Order.objects.filter(pk=order_id).update(stalls=_PATIENT)
    if order.state != "fulfilling" or order.payment.state not in COVERED:
        return
    notifications.notify(order_id, template=notifications.PLACED)
    if not is_settled(order):
        return
    Order.objects.filter(pk=order_id).update(next_step_at=None)


def is_settled(order: Order) -> bool:
    """Captured, owed by the warehouse, and the customer told: nothing is due by itself.

    A message that was given up is on a person's desk, and no step of the order's own.
    """
    is_told = notifications.is_told_or_given_up(order, template=notifications.PLACED)
    return order.payment.state in TAKEN and order.state == "fulfilling" and is_told


def is_parked(order: Order) -> bool:
    """Nothing is due although its steps are not done: only a person sets it going again."""
    is_open = order.state == "placed" or (order.state == "fulfilling" and not is_settled(order))
    return order.next_step_at is None and is_open


def resume(order_id: uuid.UUID) -> bool:
    """Give a parked order all its tries again; False when it is not parked."""
    parked = Order.objects.filter(
        pk=order_id, next_step_at=None, stalls__gt=0, state__in=("placed", "fulfilling")
    )
    return parked.update(stalls=0, next_step_at=clock.now()) == 1


def restart_stalled_orders(*, limit: int) -> int:
    """Tell again of up to `limit` orders whose next step is due; returns how many.

    The try is counted here, before the work starts: a step that kills its worker is counted
    like one that fails, and after `STALLS_MAX` of them the order is parked with a case. One
    that merely waits (a processor away for a day) is not: `notify_and_settle` sees to that.
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
        detail=f"It is {order.state}; started again {order.stalls} times.",
        stake=Money(order.total_amount, order.currency),
    )


def _tell_again(order: Order) -> None:
    order.stalls += 1
    pause = doubling(settings.STALLED_AFTER_SECONDS, times=order.stalls, most=_PAUSE_SECONDS_MAX)
    order.next_step_at = from_now(pause)
    order.save(update_fields=["stalls", "next_step_at"])
    facts = {
        "order": order.reference,
        "order_id": str(order.pk),
        "payment_id": str(order.payment_id),
    }
    outbox.record(order.checkout_id, [Event("order.stalled", facts)])
