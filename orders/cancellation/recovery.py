"""Cancellations whose runner is gone, or that wait for the money: taken over and finished.

The same engine, the same steps; nothing here knows how a cancellation goes on.
"""

import logging
import time
import uuid

from django.conf import settings

from foundation import idempotency, poison
from foundation.idempotency import Overtaken
from foundation.models import IdempotencyKey
from orders.cancellation import attention
from orders.cancellation.cancel import KIND, found, lease_of
from orders.cancellation.saga import CANCELLATION

_log = logging.getLogger(__name__)


def recover_cancellations(*, limit: int) -> int:
    """Take up to `limit` cancellations with a dead lease further; returns how many it took.

    One whose runners keep dying is parked with a case instead.
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


def resume(cancellation_id: uuid.UUID) -> bool:
    """Take one cancellation up now, for a person or an event; False when it is in other hands."""
    row = idempotency.take_over(
        subject_id=cancellation_id, lease_seconds=settings.CHECKOUT_LEASE_SECONDS
    )
    if row is None:
        return False
    _resume(row)
    return True


def _resume(row: IdempotencyKey) -> None:
    cancellation = found(row.subject_id)
    cancellation.note("taken over")
    try:
        CANCELLATION.resume(cancellation, lease_of(row))
    except Overtaken:
        _log.info("recovery: %s went on in other hands", cancellation)
    except Exception:  # noqa: BLE001 - logged with its trace
        # One that can not go on must not keep the others waiting; its lease brings it back.
        _log.exception("recovery: %s could not be resumed", cancellation)
