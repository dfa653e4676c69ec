"""Captures and releases whose answer was lost: taken over after the lease, asked, then closed.

And the second look at what was abandoned: a request that lay on the way for minutes may have
made a hold that nobody knows of; it is recorded, and released.
"""

import logging
import time

from django.conf import settings

from foundation import clock
from foundation.backoff import doubling
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from payments.models import Payment
from payments.services import authorize, capture, void
from payments.services.ask import Answer
from payments.services.authorize import look_up

_log = logging.getLogger(__name__)
BY = "system:resolve_unknown"
_CALLS_MAX = 4  # a look-up, a release, and both again


def resolve_unknown(*, limit: int) -> int:
    """Settle up to `limit` payments left `capturing` or `voiding`; returns how many it took.

    One at a time, and for a bounded time: a slow or a broken one must not keep the others
    waiting, and what is left is the next sweep's.
    """
    give_up_at = time.monotonic() + settings.SWEEP_BUDGET_SECONDS
    for taken in range(limit):
        if time.monotonic() >= give_up_at:
            return taken
        payment = _take_over_one()
        if payment is None:
            return taken
        try:
            _settle(payment)
        except IllegalTransition:
            _log.info("resolve: %s was settled by somebody else", payment.reference)
        except Exception:  # noqa: BLE001 - logged with its trace; the others go on
            _log.exception("resolve: %s could not be settled", payment.reference)
    return limit


def _take_over_one() -> Payment | None:
    with durable():
        payment = (
            Payment.objects.select_for_update(no_key=True, skip_locked=True)
            .filter(state__in=("capturing", "voiding", "abandoned"), leased_until__lte=clock.now())
            .order_by("leased_until")
            .first()
        )
        if payment is not None:
            payment.lease_token += 1
            payment.leased_until = from_now(_pause_seconds(payment.look_ups))
            payment.look_ups += 1
            payment.save(update_fields=["lease_token", "leased_until", "look_ups"])
    return payment


def _pause_seconds(look_ups: int) -> float:
    """How long nobody else may try: the lease, then longer each time, at most an hour."""
    lease: float = settings.PAYMENT_LEASE_SECONDS
    return doubling(lease, times=look_ups, most=max(lease, 3600.0))


def _settle(payment: Payment) -> None:
    if payment.state == "capturing":
        capture.settle_claimed(payment, by=BY)
    elif payment.state == "voiding":
        _settle_void(payment)
    else:
        _look_again(payment)


def _settle_void(payment: Payment) -> None:
    for _ in range(_CALLS_MAX):
        with durable():
            call = void.next_call(payment)
        if call is None:
            return
        answer = call()
        with durable():
            void.close(payment, answer, by=BY)
        if answer.outcome in ("unknown", "unavailable"):
            return


def _look_again(payment: Payment) -> None:
    """A payment given up as never sent: nothing there is the end of it, a hold is released."""
    found = look_up(payment)()
    if found.outcome == "absent" or _is_dead(found):
        Payment.objects.filter(pk=payment.pk, lease_token=payment.lease_token).update(
            leased_until=None
        )
    elif found.payment is not None and found.payment.status == "authorized":
        _log.error("resolve: a late hold for %s turned up; releasing it", payment.reference)
        with durable():  # both or neither: a hold that is known is on its way out
            authorize.record_hold(payment, found.payment, by=BY)
            reason = "late hold of an abandoned attempt"
            void.claim_on_record(payment, by=BY, reason=reason)
        _settle_void(payment)


def _is_dead(found: Answer) -> bool:
    return found.payment is not None and found.payment.status in ("declined", "canceled")
