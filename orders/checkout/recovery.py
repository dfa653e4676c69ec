"""Checkouts whose runner is gone: taken over, looked up, and finished or undone.

The same engine, the same steps; nothing here knows how a checkout goes on.
"""

import logging
import time
import uuid

from django.conf import settings

from foundation import idempotency, poison
from foundation.idempotency import Overtaken
from foundation.models import IdempotencyKey
from foundation.saga import FORWARD
from orders.checkout import attention
from orders.checkout.pay import KIND, lease_of, taken_over
from orders.checkout.saga import CHECKOUT
from orders.models import Checkout
from orders.refusals import CheckoutExpired

_log = logging.getLogger(__name__)


def recover_checkouts(*, limit: int) -> int:
    """Take up to `limit` checkouts with a dead lease to their end; returns how many it took.

    One at a time, and for a bounded time: what is left is the next sweep's. One whose runners
    keep dying is parked with a case instead.
    """
    if KIND not in idempotency.kinds_left_behind():
        return 0
    poison.park(kind=KIND, limit=limit, tell=attention.tell_crashing)
    give_up_at = time.monotonic() + settings.SWEEP_BUDGET_SECONDS
    for taken in range(limit):
        if time.monotonic() >= give_up_at:
            return taken
        rows = idempotency.take_over_expired(
            kind=KIND, lease_seconds=settings.CHECKOUT_LEASE_SECONDS, limit=1
        )
        if not rows:
            return taken
        _resume(rows[0])
    return limit


def resume(checkout_id: uuid.UUID, *, backward: bool = False) -> bool:
    """Take one checkout up now, for a person or an event; False when it is in other hands.

    `backward`: it goes no further; what it holds is released.
    """
    row = idempotency.take_over(
        subject_id=checkout_id, lease_seconds=settings.CHECKOUT_LEASE_SECONDS
    )
    if row is None:
        return False
    _resume(row, backward=backward)
    return True


def _resume(row: IdempotencyKey, *, backward: bool = False) -> None:
    checkout = taken_over(row.subject_id)
    if backward:
        _turn_back(checkout)
    try:
        CHECKOUT.resume(checkout, lease_of(row))
    except Overtaken:
        _log.info("recovery: %s went on in other hands", checkout.reference)
    except Exception:  # noqa: BLE001 - logged with its trace
        # One that can not go on must not keep the others waiting; its lease brings it back.
        _log.exception("recovery: %s could not be resumed", checkout.reference)


def _turn_back(checkout: Checkout) -> None:
    if checkout.direction == FORWARD:
        why = "Undone by staff; nothing is held."
        checkout.turn_back(CheckoutExpired(why, charge_state="not_charged"))
