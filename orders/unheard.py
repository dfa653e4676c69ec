"""Orders that never heard what became of their payment, because the message was lost.

An order that waits for the warehouse has no next step of its own, so no other sweep looks at it.
What its payment had to tell stands in the payment's row as well: it is read there, and followed.
"""

import logging
import time
import uuid
from collections.abc import Sequence
from typing import Final

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from foundation import clock
from foundation.transactions import durable
from orders.cancellation import attention, coverage, follow
from orders.fulfillment.cover import STILL_TAKEN
from orders.models import Order
from orders.repayment import HELD_OR_TAKEN, MAY_BE_PAID
from payments.models import Payment
from payments.states import HELD

_log = logging.getLogger(__name__)
_GONE: Final = ("voided", "expired")


def follow_unheard(*, limit: int) -> int:
    """Bring orders in line with a hold that is gone, taken or replaced, `limit` at a time until
    none is left or the sweep's time is up, and have up to `limit` watched whose hold is about to
    die; returns how many."""
    give_up_at = time.monotonic() + settings.SWEEP_BUDGET_SECONDS
    seen: list[uuid.UUID] = []
    while batch := _next_unheard(seen, limit):
        for payment_id in batch:
            _follow(payment_id)
        seen += batch
        if time.monotonic() >= give_up_at:
            break
    quiet = list(_unwatched().values_list("pk", flat=True)[:limit])
    return len(seen) + Order.objects.filter(pk__in=quiet).update(next_step_at=clock.now())


def _follow(payment_id: uuid.UUID) -> None:
    """One that can not be followed holds up nobody behind it: it becomes a case."""
    try:
        follow.follow_payment(payment_id)
    except Exception:  # noqa: BLE001 - logged with its trace, and told of
        _log.exception("the order of payment %s could not be brought in line with it", payment_id)
        with durable():
            attention.tell_not_followed(Order.objects.get(payment_id=payment_id))


def unfollowed(ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these orders that are still not in line with their payment."""
    return set(_unheard().filter(pk__in=ids).values_list("pk", flat=True))


def _next_unheard(seen: Sequence[uuid.UUID], limit: int) -> list[uuid.UUID]:
    """Each is followed once in a run: what can not be followed now is for the next one."""
    left = _unheard().exclude(payment_id__in=seen)
    return list(left.values_list("payment_id", flat=True)[:limit])


def _unheard() -> QuerySet[Order]:
    """Those whose hold is gone or was taken in part only, and who did not stop; those who wait for
    money that was taken; those with another hold, canceled ones for which it came too late."""
    newer = Payment.objects.filter(
        stream=OuterRef("checkout_id"), replaces__isnull=False, state__in=HELD_OR_TAKEN
    ).exclude(pk=OuterRef("payment_id"))
    is_gone = Q(payment__state__in=_GONE)
    is_lost = is_gone & Q(state__in=coverage.STOPPABLE)
    is_replaced = is_gone & Q(state__in=(*MAY_BE_PAID, "canceled")) & Exists(newer)
    return Order.objects.filter(is_lost | is_replaced | _is_taken_in_part() | _is_paid_unheard())


def _is_taken_in_part() -> Q:
    return Q(
        state__in=coverage.STOPPABLE,
        payment__state__in=coverage.ENDED,
        payment__captured_amount__lt=F("total_amount"),
    )


def _is_paid_unheard() -> Q:
    """Taken and still here, as `coverage.is_paid` has it."""
    gone = F("payment__refunded_amount") + F("payment__refund_pending_amount")
    needed = F("total_amount") + gone + F("payment__charged_back_amount")
    return Q(
        state="payment_required",
        payment__state__in=STILL_TAKEN,
        payment__captured_amount__gte=needed,
    )


def _unwatched() -> QuerySet[Order]:
    """Those whose hold has been said to die, and whom nobody looks at before it does."""
    is_quiet = Q(next_step_at=None) | Q(next_step_at__gte=F("payment__capture_before"))
    return Order.objects.filter(
        is_quiet,
        payment__state__in=HELD,
        payment__expiry_due_at__isnull=False,
        stalls__lt=settings.STALLS_MAX,
    ).exclude(state="canceling")
