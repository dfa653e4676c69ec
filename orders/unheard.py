"""Orders that never heard what became of their payment, because the message was lost.

An order that waits for the warehouse has no next step of its own, so no other sweep looks at it.
What its payment had to tell stands in the payment's row as well: it is read there, and followed.
"""

from typing import Final

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from foundation import clock
from foundation.models import Case
from orders.cancellation import attention, follow
from orders.models import Order
from orders.repayment import HELD_OR_TAKEN, MAY_BE_PAID
from payments.models import Payment

_GONE: Final = ("voided", "expired")
_DYING: Final = ("authorized", "partially_captured")
_SHIPS: Final = ("placed", "fulfilling")


def follow_unheard(*, limit: int) -> int:
    """Bring up to `limit` orders in line with a hold that is gone or replaced, and have as many
    watched whose hold is about to die; returns how many."""
    unheard = list(_unheard().values_list("payment_id", flat=True)[:limit])
    for payment_id in unheard:
        follow.follow_payment(payment_id)
    quiet = list(_unwatched().values_list("pk", flat=True)[:limit])
    return len(unheard) + Order.objects.filter(pk__in=quiet).update(next_step_at=clock.now())


def _unheard() -> QuerySet[Order]:
    """Those whose hold is gone, and who neither stopped nor went on with another; and canceled
    ones for which another was asked for too late."""
    told = Case.objects.filter(kind=attention.SHIPPED_UNPAID, aggregate_id=OuterRef("pk"))
    newer = Payment.objects.filter(
        stream=OuterRef("checkout_id"), replaces__isnull=False, state__in=HELD_OR_TAKEN
    ).exclude(pk=OuterRef("payment_id"))
    is_lost = Q(state__in=_SHIPS) & ~Exists(told)
    is_replaced = Q(state__in=(*MAY_BE_PAID, "canceled")) & Exists(newer)
    return Order.objects.filter(is_lost | is_replaced, payment__state__in=_GONE)


def _unwatched() -> QuerySet[Order]:
    """Those whose hold has been said to die, and whom nobody looks at before it does."""
    is_quiet = Q(next_step_at=None) | Q(next_step_at__gte=F("payment__capture_before"))
    return Order.objects.filter(
        is_quiet,
        payment__state__in=_DYING,
        payment__expiry_due_at__isnull=False,
        stalls__lt=settings.STALLS_MAX,
    ).exclude(state="canceling")
