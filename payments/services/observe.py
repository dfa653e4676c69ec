"""Bring our rows in line with what the processor says now, whoever asked for it.

Resolver, webhook, catch-up, expiry sweep and late answers all end here. Nothing is applied from a
message: the payment is fetched, and only what is missing is appended. So a repeat, a stale view
and views in any order change nothing twice (payments/services/difference.py).
"""

import uuid
from collections.abc import Sequence

from foundation import clock, rows
from foundation.transactions import durable
from payments.models import Payment, Source
from payments.processors import processor
from payments.processors.base import (
    OutcomeUnknown,
    ProcessorDispute,
    ProcessorPayment,
    ProcessorRefund,
    ProcessorUnavailable,
)
from payments.services import dispute, hold, refund_outcome, steps
from payments.services.attention import DIFFERS, needs_person
from payments.services.authorize import look_up
from payments.states import IN_DOUBT


class InFlight(Exception):
    """Somebody holds a live claim on this payment, and will record its end. Try later."""


class NotAnswered(Exception):
    """The processor did not say how the payment stands. Try later."""


def look_and_observe(payment_id: uuid.UUID, *, by: str, source: Source) -> Payment:
    """Ask the processor how the payment stands, and bring our rows in line with it.

    No transaction may be open. What the processor did without us is booked with `source`.
    Raises `InFlight` while somebody holds a live claim (a capture or void under way, a refund that
    is not sent yet, an authorization that is not settled), `NotAnswered` when the processor is
    silent.
    """
    payment = _taken(payment_id)
    if payment.state == "abandoned":
        return payment
    seen, refunds, disputes = _fetched(payment)
    with durable():
        steps.lock(payment)
        now = Payment.objects.get(pk=payment_id)
        if now.lease_token != payment.lease_token:
            raise InFlight(payment.reference)
        observe(now, seen, refunds, by=by, source=source)
        for each in reversed(disputes):  # the processor lists the newest first
            dispute.record(now, each, by=by)
        if now.state in IN_DOUBT:
            rows.update(now, guard={"lease_token": now.lease_token}, leased_until=clock.now())
    return now


def observe(
    payment: Payment,
    seen: ProcessorPayment,
    refunds: Sequence[ProcessorRefund] = (),
    *,
    by: str,
    source: str,
) -> bool:
    """Append what the processor has done and we do not know yet; whether there was anything.

    In the caller's transaction, under the payment's row lock (`steps.lock`); of a claimed payment
    the caller holds the lease. Raises `InFlight` when a refund of ours must be settled first, and
    `IllegalTransition` when the payment was moved by somebody else.
    """
    if seen.currency != payment.currency:
        what = f"seen in {seen.currency}"
        needs_person(payment, DIFFERS, amount=payment.amount, detail=what)
        return False
    if payment.state in ("declined", "abandoned"):
        return _never_held(payment, seen)
    changed = hold.follow(payment, seen, by=by, source=source)
    for each in reversed(refunds):  # the processor lists the newest first
        try:
            changed |= refund_outcome.follow(payment, each, by=by)
        except refund_outcome.OthersFirst as others:
            raise InFlight(payment.reference) from others
    return changed


def _never_held(payment: Payment, seen: ProcessorPayment) -> bool:
    """A no that became a yes at the processor is nothing that a rule of ours may undo."""
    if seen.status in ("authorized", "captured"):
        detail = f"{payment.state} here, {seen.status} at the processor"
        needs_person(payment, DIFFERS, amount=seen.amount, detail=detail)
    return False


def _taken(payment_id: uuid.UUID) -> Payment:
    """The payment, its dead claim taken over. Raises `InFlight` for one in living hands."""
    with durable():
        payment = Payment.objects.select_for_update(no_key=True).get(pk=payment_id)
        if payment.state in ("authorizing", "unknown", "requires_action"):
            raise InFlight(payment.reference)  # its checkout, or the resolver, is at work on it
        if payment.state in IN_DOUBT:
            _take_over(payment)
        elif payment.state == "abandoned":
            # A hold that turns up late is recorded and released by the resolver's second look.
            rows.update(payment, guard={"state": "abandoned"}, leased_until=clock.now())
    return payment


def _take_over(payment: Payment) -> None:
    try:
        steps.take_over(payment)
    except steps.StillLeased as alive:
        raise InFlight(payment.reference) from alive


def _fetched(
    payment: Payment,
) -> tuple[ProcessorPayment, Sequence[ProcessorRefund], Sequence[ProcessorDispute]]:
    seen = look_up(payment)().payment
    if seen is None:
        raise NotAnswered(payment.reference)
    if not seen.captured_amount:
        return seen, (), ()
    port, of_payment = processor(payment.processor), seen.processor_reference
    try:
        refunds = port.list_refunds(processor_reference=of_payment)
        return seen, refunds, port.list_disputes(processor_reference=of_payment)
    except (ProcessorUnavailable, OutcomeUnknown) as silence:
        raise NotAnswered(payment.reference) from silence
