"""The row of a processor event: taken up by one worker at a time, put off, ended."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from foundation import cases, clock, rows
from foundation.backoff import doubling
from foundation.cases import Subject
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from payments.models import ProcessorEvent
from payments.states import PROCESSOR_EVENT

BY: Final = "system:processor_events"
CASE: Final = "processor_event_dead"
OPEN: Final = ("received", "parked")


def claim(candidates: QuerySet[ProcessorEvent]) -> ProcessorEvent | None:
    """Take the first that is free. `attempts` is the fence: a later claim has a higher one."""
    is_free = Q(due_at__lte=clock.now()) | Q(attempts=0)
    with durable():
        event = (
            candidates.select_for_update(no_key=True, skip_locked=True, of=("self",))
            .filter(is_free, state__in=OPEN)
            .first()
        )
        if event is not None:
            ProcessorEvent.objects.filter(pk=event.pk).update(
                attempts=F("attempts") + 1, due_at=from_now(settings.PROCESSOR_EVENT_LEASE_SECONDS)
            )
            event.attempts += 1
    return event


def park(event: ProcessorEvent, why: str, *, is_final: bool = False) -> bool:
    """Put it off, longer each time, or (`is_final`) leave it to a person; False: too late."""
    if is_final:
        return end(event, "dead", why)
    pause = doubling(
        settings.PROCESSOR_EVENT_FIRST_SECONDS,
        times=event.attempts - 1,
        most=settings.PROCESSOR_EVENT_RETRY_SECONDS_MAX,
    )
    fence = {"attempts": event.attempts}
    changes = {"due_at": from_now(pause), "last_error": why[:500], "payment": event.payment}
    if event.state == "parked":
        return rows.update(event, guard={"state": "parked", **fence}, **changes)
    return _moved(event, to="parked", reason=why, fence=fence, **changes)


def end(event: ProcessorEvent, state: str, outcome: str) -> bool:
    """Close it as `processed`, `ignored`, or (with a case) `dead`; False: closed before."""
    facts = {"payment": event.payment, "outcome": outcome[:120], "ended_at": clock.now()}
    with transaction.atomic():
        is_ours = _moved(event, to=state, reason=outcome, fence={}, **facts)
        if is_ours and state == "dead":
            cases.open_once(
                CASE,
                about=Subject("processorevent", event.pk),
                title=f"{event.type} {event.external_id} could not be followed",
                detail=outcome,
            )
    return is_ours


def _moved(
    event: ProcessorEvent, *, to: str, reason: str, fence: Mapping[str, Any], **changes: Any
) -> bool:
    """Whether it was still open; what somebody else ended stays as they left it."""
    try:
        move(event, table=PROCESSOR_EVENT, to=to, by=BY, reason=reason, fence=fence, **changes)
    except IllegalTransition:
        return False
    return True
