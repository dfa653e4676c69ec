"""A person has a dead processor event worked on once more."""

import uuid

from events import outbox
from events.outbox import Event
from foundation import audit, clock
from foundation.errors import DomainError
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from payments.models import ProcessorEvent
from payments.states import PROCESSOR_EVENT


class NotDead(DomainError):
    """It is being worked on, or it is over: there is nothing to try again."""

    code, status, title = "processor_event_not_dead", 409, "This event was not given up"


def retry(event_id: uuid.UUID, *, by: str, reason: str) -> ProcessorEvent:
    """dead → parked and due now, on the record. Raises `NotDead`."""
    event = ProcessorEvent.objects.get(pk=event_id)
    before = {"state": event.state, "outcome": event.outcome}
    try:
        with durable():
            move(
                event,
                table=PROCESSOR_EVENT,
                to="parked",
                by=by,
                reason=reason,
                only_from=("dead",),
                due_at=clock.now(),
                ended_at=None,
                outcome="",
            )
            audit.record(
                actor=by,
                action="processor_event.retry",
                aggregate="processor_event",
                aggregate_id=event.pk,
                reason=reason,
                before=before,
                after={"state": event.state},
            )
            fact = {"processor_event_id": str(event.pk)}
            outbox.record(event.pk, [Event("processor_event.received", fact)], client_id=None)
    except IllegalTransition as error:
        raise NotDead("It is being worked on, or it is over.") from error
    return event
