"""Captures and releases whose answer was lost: taken over after the lease, asked, then closed."""

import logging

from django.conf import settings

from foundation import clock
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from payments.models import Payment
from payments.services import capture, void

_log = logging.getLogger(__name__)
BY = "system:resolve_unknown"


def resolve_unknown(*, limit: int) -> int:
    """Settle up to `limit` payments left `capturing` or `voiding`; returns how many it took."""
    taken = _take_over(limit)
    for payment in taken:
        try:
            _settle(payment)
        except IllegalTransition:
            _log.info("resolve: %s was settled by somebody else", payment.reference)
    return len(taken)


def _take_over(limit: int) -> list[Payment]:
    with durable():
        payments = list(
            Payment.objects.select_for_update(no_key=True, skip_locked=True)
            .filter(state__in=("capturing", "voiding"), leased_until__lte=clock.now())
            .order_by("leased_until")[:limit]
        )
        for payment in payments:
            payment.lease_token += 1
            payment.leased_until = from_now(_pause_seconds(payment.look_ups))
            payment.look_ups += 1
            payment.save(update_fields=["lease_token", "leased_until", "look_ups"])
    return payments


def _pause_seconds(look_ups: int) -> float:
    """How long nobody else may try: the lease, then longer each time, at most a day."""
    lease: float = settings.PAYMENT_LEASE_SECONDS
    return min(lease * 2.0 ** min(look_ups, 12), 86_400.0)


def _settle(payment: Payment) -> None:
    if payment.state == "capturing":
        capture.settle_claimed(payment, by=BY)
        return
    answer = void.release_call(payment)()
    with durable():
        void.close(payment, answer, by=BY)
