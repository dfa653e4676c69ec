"""Taking the money of an order, by the policy that was frozen when it was placed.

What is due is a difference between rows (what ships, what was taken), never a memory of what was
asked for: whoever settles twice, late or after a crash takes what is missing and no more.
"""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from foundation import clock
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from orders import values
from orders.fulfillment import cover, rows
from orders.models import Order, Settlement
from payments.models import Payment, Source
from payments.refusals import NotCapturable
from payments.services import capture, steps
from payments.states import HELD

_log = logging.getLogger(__name__)
BY: Final = "system:settlement"
_TAKES_FROM: Final = ("placed", "fulfilling", "completed")


@dataclass(frozen=True)
class Take:
    """What to capture: minor units, and whether the rest of the hold is let go."""

    amount: int
    is_final: bool


def settle(order_id: uuid.UUID) -> None:
    """Capture what is due by the order's policy now; nothing when nothing is."""
    _take(order_id, due)


def claim_before_it_is_too_late(order: Order) -> Callable[[], None] | None:
    """Claim what is taken of a hold that is about to die, whatever the delay, in the caller's
    transaction and under the order's lock. Returns the call to make after it, None when nothing
    is due."""
    payment = _claim(order, due_at_the_last)
    return None if payment is None else partial(capture.send, payment, by=BY)


def settle_at_once(order_id: uuid.UUID) -> bool:
    """What is due now, or will be in the hold's last hours if those have begun; whether it was
    sent."""
    return _take(order_id, lambda order: due(order) or _due_in_its_last_hours(order))


def _due_in_its_last_hours(order: Order) -> Take | None:
    return None if order.payment.expiry_due_at is None else due_at_the_last(order)


def take_now(order_id: uuid.UUID, *, by: str, reason: str) -> Payment:
    """Capture all that is held, because a person says so, on the record.

    Raises `NotCapturable` for an order that is being undone, and what `capture.claim` refuses.
    """
    with durable():
        order = rows.locked(order_id)
        if not may_be_taken(order):
            raise NotCapturable(f"The order is {order.state}.")
        wish = steps.Wish(by, Source.STAFF)
        payment = order.payment
        capture.claim_on_record(payment, wish, amount=None, final=True, reason=reason)
    try:
        capture.send(payment, by=by)
    except IllegalTransition:
        payment.refresh_from_db()  # the sweep was faster
    return payment


def may_be_taken(order: Order) -> bool:
    """Whether its money may be taken at all: nobody takes from what is being undone."""
    return order.state in _TAKES_FROM


def _take(order_id: uuid.UUID, how_much: Callable[[Order], Take | None]) -> bool:
    """What is due is found out and claimed in one transaction, under the locks of the order and
    of its payment: two who settle at once take it once. Returns whether it was ours to send."""
    try:
        with durable():
            payment = _claim(rows.locked(order_id), how_much)
        if payment is not None:
            capture.send(payment, by=BY)
    except IllegalTransition:
        _log.info("settlement: order %s went on in other hands", order_id)
        return False
    return payment is not None


def _claim(order: Order, how_much: Callable[[Order], Take | None]) -> Payment | None:
    payment = order.payment
    steps.lock_and_read(payment)
    take = how_much(order)
    if take is None:
        return None
    wish = steps.Wish(BY, Source.SYSTEM)
    capture.claim(payment, wish, amount=take.amount, final=take.is_final)
    return payment


def due(order: Order) -> Take | None:
    """What the policy wants taken now. An order that is being undone owes nothing."""
    payment = order.payment
    if order.state not in _TAKES_FROM or payment.state not in HELD:
        return None
    if order.settlement_policy == Settlement.ON_FULFILLMENT:
        return _what_ships(order, payment)
    if order.settlement_policy == Settlement.MANUAL or is_deferred(order):
        return None
    return _all_of_it(order, payment)


def due_at_the_last(order: Order) -> Take | None:
    """What is taken of a hold that is about to die: all of it for `on_order`, else what shipped.

    The rest is let go with it. None when nothing was shipped, or nobody may take it.
    """
    payment = order.payment
    if order.state not in _TAKES_FROM or payment.state not in HELD:
        return None
    if order.settlement_policy == Settlement.ON_ORDER:
        return _all_of_it(order, payment)
    return _all_that_shipped(order, payment)


def _all_of_it(order: Order, payment: Payment) -> Take | None:
    """All that is held; of an order that is over, which may have ended with a part, what left."""
    if order.state == "completed":
        return _all_that_shipped(order, payment)
    return Take(payment.capturable, is_final=True)


def _all_that_shipped(order: Order, payment: Payment) -> Take | None:
    missing = min(cover.worth_of_shipped(order) - payment.captured_amount, payment.capturable)
    return Take(missing, is_final=True) if missing > 0 else None


def is_deferred(order: Order) -> bool:
    """Whether the money waits for a moment that is still to come."""
    is_by_time = order.settlement_policy == Settlement.ON_ORDER and order.payment.state in HELD
    return is_by_time and order.settle_at is not None and order.settle_at > clock.now()


def is_through(order: Order) -> bool:
    """Whether nothing is due by itself any more, now or at a known moment."""
    payment = order.payment
    in_doubt = payment.state == "capturing"
    is_dying = payment.state in HELD and payment.expiry_due_at is not None
    return not (in_doubt or is_dying or is_deferred(order)) and due(order) is None


def _what_ships(order: Order, payment: Payment) -> Take | None:
    """The shipped units' worth, less what was taken; the last shipment lets go of the rest."""
    shipped = rows.shipped_units(order)
    lines = list(order.lines.all())
    missing = values.of_shipped(order, lines, shipped) - payment.captured_amount
    is_last = values.is_all(lines, shipped)
    if missing <= 0 or not (is_last or payment.is_multicapture):
        return None
    return Take(min(missing, payment.capturable), is_final=is_last)
