"""Work a stored processor event: ask the processor about what it speaks of, and follow that.

An event is a reason to look, never a fact to apply. So one that comes twice, late, out of order
or before our own answer finds the same processor in the same state, and changes nothing or the
same. What can not be settled yet is parked and tried again; nothing is dropped.
"""

import datetime as dt
import logging
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final, Literal

from django.conf import settings
from django.db.models import QuerySet

from events import outbox
from events.outbox import Event
from foundation import clock, ids
from foundation.transactions import durable
from payments.models import Dispute, Payment, ProcessorEvent, Refund, Source
from payments.services.event_rows import OPEN, claim, end, park
from payments.services.observe import InFlight, NotAnswered, look_and_observe
from payments.services.payout import PayoutContradicted, record_payout

_log = logging.getLogger(__name__)
_SIBLINGS_MAX: Final = 50
_PAYOUT: Final[Mapping[str, Literal["paid", "failed"]]] = {
    "payout.paid": "paid",
    "payout.failed": "failed",
}


class NotHereYet(Exception):
    """What the event speaks of is not known here; it may be in a moment."""


class Astray(Exception):
    """It carries our payment's reference, and is another object at the processor than ours."""


def work(event_id: uuid.UUID) -> None:
    """Settle one event now, unless somebody is at it or it is over."""
    event = claim(ProcessorEvent.objects.filter(pk=event_id))
    if event is not None:
        _settle(event)


def work_due(*, limit: int) -> int:
    """Settle up to `limit` events that are due, the longest due first; returns how many.

    Due are parked ones whose pause is over, and those whose message or worker was lost.
    """
    give_up_at = time.monotonic() + settings.SWEEP_BUDGET_SECONDS
    for taken in range(limit):
        if time.monotonic() >= give_up_at:
            return taken
        due = ProcessorEvent.objects.filter(due_at__lte=clock.now()).order_by("due_at")
        event = claim(due)
        if event is None:
            return taken
        _settle(event)
    return limit


def taken_up(event_id: uuid.UUID) -> None:
    """Whoever holds the payment has looked at the processor since this event came: it is done."""
    event = ProcessorEvent.objects.get(pk=event_id)
    end(event, "processed", "taken up by the checkout that holds the payment")


def _settle(event: ProcessorEvent) -> None:
    """Act, and write down what came of it. Never raises: the next event must have its turn."""
    try:
        _act(event)
    except InFlight:
        _hand_over(event)
    except NotHereYet as error:
        park(event, str(error), is_final=_is_old(event))
    except (Astray, PayoutContradicted) as error:
        _log.error("processor event %s: %s", event.external_id, error)
        end(event, "dead", str(error))
    except NotAnswered:
        park(event, "the processor did not answer")
    except Exception as error:  # noqa: BLE001 - logged with its trace; the others go on
        _log.exception("processor event %s could not be worked", event.external_id)
        is_poison = event.attempts >= settings.PROCESSOR_EVENT_TRIES_MAX
        park(event, f"{type(error).__name__}: {error}", is_final=is_poison)


def _act(event: ProcessorEvent) -> None:
    if event.kind == "payout":
        _record_payout(event)
        return
    if event.kind == "other":
        end(event, "ignored", "nothing here depends on it")
        return
    payment = event.payment = _payment_of(event)
    siblings = list(_siblings(event))  # all of them came before the look that follows
    look_and_observe(payment.pk, by="processor", source=Source.PROCESSOR)
    _check_same_object(event, payment)
    _check_seen(event)
    end(event, "processed", "the processor was asked, and is followed")
    for sibling in siblings:
        _end_with(sibling, event)


def _record_payout(event: ProcessorEvent) -> None:
    """The exception: nothing can be asked about a payout, so it is what the message says it is.

    A repeat, and a `paid` after a `failed`, change nothing.
    """
    state = _PAYOUT.get(event.type)
    if state is None or event.amount is None:
        end(event, "ignored", "a payout that did not arrive or fail")
        return
    record_payout(
        processor=event.processor,
        processor_reference=event.object_id,
        amount=event.amount,
        currency=event.currency,
        state=state,
        arrives_on=None,
        by="processor",
    )
    end(event, "processed", f"the payout is {state}")


def _payment_of(event: ProcessorEvent) -> Payment:
    """By the processor's id, else by ours: the processor may tell before it has answered us."""
    ours = Payment.objects.filter(processor=event.processor)
    found = None
    if event.processor_reference:
        found = ours.filter(processor_reference=event.processor_reference).first()
    if found is None and (payment_id := ids.parse("pay", event.reference)):
        found = ours.filter(pk=payment_id).first()
    if found is None and (refund_id := ids.parse("rfd", event.reference)):
        found = ours.filter(refunds__pk=refund_id).first()
    if found is None:
        raise NotHereYet("no payment of ours is known by its ids")
    return found


def _check_same_object(event: ProcessorEvent, payment: Payment) -> None:
    payment.refresh_from_db(fields=["processor_reference"])
    theirs, ours = event.processor_reference, payment.processor_reference
    if theirs and ours and theirs != ours:
        raise Astray(f"it speaks of {theirs}, but {payment.reference} is {ours}")


def _check_seen(event: ProcessorEvent) -> None:
    """A list at the processor may lag behind its events, but not longer than any look-up does.

    What it does not show then, it does not count as a refund: a hold that was let go is no money.
    """
    if clock.now() >= event.received_at + dt.timedelta(
        seconds=settings.PROCESSOR_LOOKUP_LAG_SECONDS
    ):
        return
    seen: QuerySet[Any]
    if event.kind == "refund":
        seen = Refund.objects.filter(processor_reference=event.object_id)
    elif event.kind == "dispute":
        seen = Dispute.objects.filter(processor_reference=event.object_id)
    else:
        return
    if not seen.exists():
        raise NotHereYet(f"the processor does not show {event.object_id} yet")


def _siblings(event: ProcessorEvent) -> QuerySet[ProcessorEvent]:
    """The other open events of the same payment: one look answers them all."""
    return ProcessorEvent.objects.filter(
        processor=event.processor,
        processor_reference=event.processor_reference,
        state__in=OPEN,
    ).exclude(pk=event.pk)[: _SIBLINGS_MAX if event.processor_reference else 0]


def _end_with(sibling: ProcessorEvent, event: ProcessorEvent) -> None:
    try:
        _check_seen(sibling)
    except NotHereYet:
        return  # it has its own turn
    sibling.payment = event.payment
    end(sibling, "processed", f"seen with {event.external_id}")


def _hand_over(event: ProcessorEvent) -> None:
    """The payment is in somebody's hands: tell them, and come back to see."""
    payment = event.payment
    assert payment is not None  # noqa: S101 - only a payment that was found is in flight
    facts = {
        "payment": payment.reference,
        "payment_id": str(payment.pk),
        "processor_event_id": str(event.pk),
    }
    with durable():
        if park(event, "its payment is being worked on"):
            outbox.record(
                payment.stream, [Event("payment.news", facts)], client_id=payment.client_id
            )


def _is_old(event: ProcessorEvent) -> bool:
    patience = dt.timedelta(hours=settings.PROCESSOR_EVENT_GIVE_UP_HOURS)
    return clock.now() >= event.received_at + patience
