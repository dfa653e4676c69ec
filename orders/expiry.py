"""A hold is about to die: take it, ask for a new one, or let it go and wait for money.

Nothing is captured that the policy does not allow, nothing is shipped uncovered, and no hold is
left to lapse that could have been released (an unused one costs a fee at the card networks).
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Literal

from django.conf import settings

from foundation.errors import DomainError
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from orders import repayment, settlement
from orders.cancellation import coverage
from orders.fulfillment import rows
from orders.models import Order
from payments.models import Source
from payments.services import capture, reauthorize, steps, void
from payments.states import HELD

_log = logging.getLogger(__name__)
BY: Final = "system:expiry"
_REASON: Final = "the hold would have died soon"
_ASKS_NO_MORE: Final = ("payment_required", "completed", "canceled")
Plan = Literal["nothing", "capture", "reauthorize", "release"]
Call = Callable[[], object]  # to the processor, after the transaction that claimed it


def plan(order: Order) -> Plan:
    """What will be done with the order's hold when its time is nearly up."""
    payment = order.payment
    if payment.state not in HELD or order.state == "canceling":
        return "nothing"
    if order.state in ("canceled", "payment_required"):
        return "release"
    may_ask = settings.EXPIRY_REAUTHORIZE and payment.state == "authorized"
    if settlement.due_at_the_last(order) is not None:
        return "reauthorize" if may_ask and _is_hopeless(order) else "capture"
    return "reauthorize" if may_ask else "release"


def _is_hopeless(order: Order) -> bool:
    """In its last hours the capture was refused, and nothing of it was taken: a new hold may be
    captured where this one is not. Of an order that is over no new one can be asked for."""
    payment = order.payment
    if payment.expiry_due_at is None or payment.captured_amount or order.state == "completed":
        return False
    return capture.was_refused(payment.pk)


def act(payment_id: uuid.UUID) -> None:
    """Carry the plan out for the order of a hold whose last hours have begun.

    Run twice, or after a crash, it goes on from the rows; until the hold is settled one way or
    the other the order is watched. A warning alone is no reason to act.
    """
    dying = Order.objects.filter(payment_id=payment_id, payment__expiry_due_at__isnull=False)
    order_id = dying.values_list("pk", flat=True).first()
    if order_id is None:
        return
    _watch(order_id)
    try:
        with durable():
            call = _claim(rows.locked(order_id))
        if call is not None:
            call()
    except DomainError as refusal:
        _log.warning("expiry: order %s is tried again: %s", order_id, refusal)
    except IllegalTransition:
        _log.info("expiry: order %s went on in other hands", order_id)


def _watch(order_id: uuid.UUID) -> None:
    """Committed first: whatever the plan comes to, somebody looks again."""
    unwatched = Order.objects.filter(pk=order_id, next_step_at=None, payment__state__in=HELD)
    due = from_now(settings.STALLED_AFTER_SECONDS)
    unwatched.exclude(state="canceling").update(next_step_at=due)


def _claim(order: Order) -> Call | None:
    """The plan is made under the locks of the order and its payment, and claimed with them: what
    has shipped is seen, and nothing ships on a hold that is let go of."""
    steps.lock_and_read(order.payment)
    chosen = plan(order)
    return None if chosen == "nothing" else _CLAIMS[chosen](order)


def _ask_anew(order: Order) -> Call:
    made = repayment.claim(order, by=BY, reason=_REASON, source=Source.SYSTEM)
    return partial(reauthorize.send, made, by=BY)


def _let_go(order: Order) -> Call:
    """With the hold on its way out the order knows that it has to be paid for again."""
    if order.state not in _ASKS_NO_MORE:
        coverage.stop_for_payment(order, reason=_REASON)
    void.claim_on_record(order.payment, by=BY, reason=_REASON, source=Source.SYSTEM)
    return partial(void.send, order.payment, by=BY)


_CLAIMS: Final[Mapping[Plan, Callable[[Order], Call | None]]] = {
    "capture": settlement.claim_before_it_is_too_late,
    "reauthorize": _ask_anew,
    "release": _let_go,
}
