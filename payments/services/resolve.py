"""What has no answer: taken over after its lease, asked about, then closed.

Captures, releases, refunds and holds made in place of others, and the second look at what was
abandoned: a request that lay on the way for minutes may have made a hold that nobody knows of; it
is recorded, and released. Nothing is sent again unless it is proven not to have happened.
"""

import datetime as dt
import logging
import time
import uuid
from typing import TypeVar

from django.conf import settings
from django.db.models import Q, QuerySet

from foundation import clock, rows
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from payments.models import Payment, Refund
from payments.services import authorize, capture, park, reauthorize, refund, steps, void
from payments.services.ask import Answer
from payments.services.attention import (
    DIFFERS,
    OUTCOME_UNKNOWN,
    REFUND_UNKNOWN,
    needs_person,
)
from payments.services.authorize import look_up
from payments.states import IN_DOUBT

T = TypeVar("T", Payment, Refund)
_log = logging.getLogger(__name__)
BY = "system:resolve_unknown"
# The authorization of a checkout is the checkout's own; one made in place of another is ours.
_OURS = Q(state__in=(*IN_DOUBT, "abandoned")) | Q(
    state__in=reauthorize.IN_FLIGHT, replaces__isnull=False
)
# A bank may take ten working days: https://docs.stripe.com/refunds
_REFUND_TAKES_AT_MOST = dt.timedelta(days=14)


def resolve_unknown(*, limit: int) -> int:
    """Settle up to `limit` payments and refunds in doubt; returns how many it took.

    One at a time, and for a bounded time: a slow or a broken one must not keep the others
    waiting, and what is left is the next sweep's. One that kills its sweeps is parked.
    """
    park.park_crashing(limit=limit)
    give_up_at = time.monotonic() + settings.SWEEP_BUDGET_SECONDS
    taken = 0
    for take_over_next in (_next_payment, _next_refund):
        while taken < limit and time.monotonic() < give_up_at:
            asked = take_over_next()
            if asked is None:
                break
            taken += 1
            _settle_one(asked)
    return taken


def try_now(payment_id: uuid.UUID) -> bool:
    """Ask about one payment in doubt now, for whoever wants to go on with it.

    False when there is nothing in doubt, or somebody who may be alive is at work on it. Whether
    it was settled is in its row.
    """
    asked = try_taking_over(payment_id)
    if asked is not None:
        _settle_one(asked)
    return asked is not None


def try_taking_over(payment_id: uuid.UUID) -> Payment | None:
    """Become the one who is at work on a payment in doubt; None while somebody else may be."""
    found = Payment.objects.filter(pk=payment_id, state__in=IN_DOUBT)
    return _take_over_one(found.filter(leased_until__lte=clock.now()))


def try_refund_now(refund_id: uuid.UUID) -> bool:
    """The same for one refund."""
    free = Q(leased_until__lte=clock.now()) | Q(leased_until=None)
    asked = _take_over_one(Refund.objects.filter(free, pk=refund_id, state="pending"))
    if asked is not None:
        _settle_one(asked)
    return asked is not None


def _next_payment() -> Payment | None:
    """Whoever was at work on it is gone, and it is time to ask again."""
    is_time = Q(resolve_at=None) | Q(resolve_at__lte=clock.now())
    due = Payment.objects.filter(_OURS, is_time, park.goes_on(), leased_until__lte=clock.now())
    return _take_over_one(due, by_sweep=True)


def _next_refund() -> Refund | None:
    """The same; one that was made at the processor never had anybody at work on it."""
    now = clock.now()
    is_time = Q(resolve_at=None, leased_until__lte=now) | Q(resolve_at__lte=now)
    is_free = Q(leased_until=None) | Q(leased_until__lte=now)
    due = Refund.objects.filter(is_time, is_free, park.goes_on(), state="pending")
    return _take_over_one(due.select_related("payment"), by_sweep=True)


def _take_over_one(found: QuerySet[T], *, by_sweep: bool = False) -> T | None:
    """The longest in doubt of `found`, with a new lease and a longer pause before the next.

    A sweep counts itself before it begins: it may die of this one. Others are counted by the
    key of the request that they work for.
    """
    if by_sweep and not found.exists():
        return None  # mostly so; a look without a lock spares a transaction
    with durable():
        locked = found.select_for_update(no_key=True, skip_locked=True, of=("self",))
        asked = locked.order_by("leased_until").first()
        if asked is not None:
            pause = from_now(steps.patience(asked.look_ups))
            # a release counts its own look-ups, because a checkout may be at it as well
            count = asked.look_ups + (asked.state != "voiding")
            also = {"resolve_at": pause, "look_ups": count, "crashes": asked.crashes + by_sweep}
            steps.take_over(asked, also=also)
    return asked


def _settle_one(asked: Payment | Refund) -> None:
    try:
        _settle(asked)
    except IllegalTransition:
        _log.info("resolve: %s was settled by somebody else", asked)
    except Exception:  # noqa: BLE001 - logged with its trace; the others go on
        _log.exception("resolve: %s could not be settled", asked)
    park.survived(asked)
    _report(asked)


def _settle(asked: Payment | Refund) -> None:
    if isinstance(asked, Refund):
        refund.go_on(asked, by=BY)
    elif asked.state == "capturing":
        capture.go_on(asked, by=BY)
    elif asked.state == "voiding":
        void.go_on(asked, by=BY)
    elif asked.state == "abandoned":
        _look_again(asked)
    else:
        reauthorize.go_on(asked, by=BY)


def _report(asked: Payment | Refund) -> None:
    """After so many tries it needs a person, and is asked about daily all the same."""
    if not _is_overdue(asked):
        return
    kind = REFUND_UNKNOWN if isinstance(asked, Refund) else OUTCOME_UNKNOWN
    detail = f"It is {asked.state} after {asked.look_ups} look-ups"
    with durable():
        needs_person(asked, kind, amount=asked.amount, detail=detail)


def _is_overdue(asked: Payment | Refund) -> bool:
    if isinstance(asked, Refund) and asked.processor_reference:
        is_late = clock.now() - asked.created_at > _REFUND_TAKES_AT_MOST
        return asked.state == "pending" and is_late
    is_open = asked.state in (*IN_DOUBT, *reauthorize.IN_FLIGHT, "pending")
    return is_open and asked.look_ups >= settings.ATTENTION_AFTER_TRIES


def _look_again(payment: Payment) -> None:
    """A payment given up as never sent: nothing there is the end of it, a hold is released."""
    found = look_up(payment)()
    if found.outcome == "absent" or _is_dead(found):
        rows.update(payment, guard={"lease_token": payment.lease_token}, leased_until=None)
    elif found.payment is not None and found.payment.status == "authorized":
        _log.error("resolve: a late hold for %s turned up; releasing it", payment.reference)
        with durable():  # both or neither: a hold that is known is on its way out
            authorize.record_hold(payment, found.payment, by=BY)
            reason = "late hold of an abandoned attempt"
            void.claim_on_record(payment, by=BY, reason=reason)
        void.go_on(payment, by=BY)
    elif found.payment is not None and found.payment.status == "captured":
        detail = f"{payment.state} here, captured at the processor: nobody was sold anything"
        with durable():
            needs_person(payment, DIFFERS, amount=found.payment.captured_amount, detail=detail)


def _is_dead(found: Answer) -> bool:
    return found.payment is not None and found.payment.status in ("declined", "canceled")
