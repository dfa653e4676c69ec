"""Holds that run out: told of in time, and asked about when their time is up.

    a day before      `payment.expiring`, once
    hours before      `payment.expiring` with `action_due`, once: whoever owns the order must act
    afterwards        the processor is asked; our clock alone ends nothing

The deadline is the processor's own (`capture_before`). A capture that races with it is decided by
the processor, whose word is observed either way.
"""

import datetime as dt
import logging
import time
from typing import Final

from django.conf import settings
from django.db.models import Q, QuerySet

from foundation import clock
from foundation.idempotency import from_now
from foundation.transactions import durable
from payments.models import Payment, Source
from payments.services import steps
from payments.services.observe import InFlight, NotAnswered, look_and_observe
from payments.states import HELD

_log = logging.getLogger(__name__)
BY: Final = "system:expire_authorizations"
_ASK_AGAIN_SECONDS: Final = 900.0


def expire_authorizations(*, limit: int) -> int:
    """Warn of, call for action on, and ask about every hold that is due; returns how many.

    `limit` holds in a transaction, until none is due or `SWEEP_BUDGET_SECONDS` are over; the next
    window goes on from the rows.
    """
    give_up_at = time.monotonic() + settings.SWEEP_BUDGET_SECONDS
    told = _tell_all("expiry_due_at", limit, give_up_at)
    told += _tell_all("expiry_warned_at", limit, give_up_at)
    return told + _ask_about_ended(give_up_at)


def _tell_all(told_at: str, limit: int, give_up_at: float) -> int:
    """The calls for action (`expiry_due_at`), or the warnings (`expiry_warned_at`)."""
    is_last = told_at == "expiry_due_at"
    seconds = settings.EXPIRY_ACT_SECONDS if is_last else settings.EXPIRY_WARN_SECONDS
    told, batch = 0, limit
    while batch == limit and time.monotonic() < give_up_at:
        batch = _tell(_due(seconds, told_at), limit, is_last=is_last)
        told += batch
    return told


def _due(seconds: float, told_at: str) -> QuerySet[Payment]:
    """Holds that run out within `seconds`, and of which that was not told yet."""
    until = clock.now() + dt.timedelta(seconds=seconds)
    return Payment.objects.filter(
        state__in=HELD, capture_before__lte=until, **{f"{told_at}__isnull": True}
    ).order_by("capture_before")


def _tell(due: QuerySet[Payment], limit: int, *, is_last: bool) -> int:
    """One transaction; a payment that somebody is at work on is told of the next time."""
    with durable():
        payments = list(due.select_for_update(no_key=True, skip_locked=True)[:limit])
        for payment in payments:
            _mark(payment, is_last=is_last)
            steps.tell(
                payment,
                ["payment.expiring"],
                capture_before=payment.capture_before.isoformat(),  # type: ignore[union-attr]
                action_due=is_last,
                amount=steps.money(payment, payment.capturable),
            )
    return len(payments)


def _mark(payment: Payment, *, is_last: bool) -> None:
    payment.expiry_warned_at = payment.expiry_warned_at or clock.now()
    if is_last:
        payment.expiry_due_at = clock.now()
    payment.save(update_fields=["expiry_warned_at", "expiry_due_at"])


def _ask_about_ended(give_up_at: float) -> int:
    """One after the other: a hold that was asked about is not due again for a while."""
    asked = 0
    while time.monotonic() < give_up_at and (payment := _next_ended()) is not None:
        _ask_about(payment)
        asked += 1
    return asked


def _ask_about(payment: Payment) -> None:
    try:
        look_and_observe(payment.pk, by=BY, source=Source.PROCESSOR)
    except (InFlight, NotAnswered):
        _log.info("expiry: %s is asked about again later", payment)
    except Exception:  # noqa: BLE001 - logged with its trace; the others go on
        _log.exception("expiry: %s could not be brought in line", payment)


def _next_ended() -> Payment | None:
    """The longest ended; asked about again only after a while, whatever comes of it now."""
    now = clock.now()
    with durable():
        payment = (
            Payment.objects.select_for_update(no_key=True, skip_locked=True)
            .filter(Q(resolve_at=None) | Q(resolve_at__lte=now))
            .filter(state__in=HELD, capture_before__lte=now)
            .order_by("capture_before")
            .first()
        )
        if payment is not None:
            payment.resolve_at = from_now(_ASK_AGAIN_SECONDS)
            payment.save(update_fields=["resolve_at"])
    return payment
