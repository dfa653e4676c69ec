"""What the processor tells us: stored once, in the transaction that also gets it worked.

Nothing is believed here but the signature. The message says that something happened, never
what we do about it: that is asked again when it is worked (payments/services/work_event.py).
"""

import json
import logging
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation import audit, clock, rows
from foundation.errors import DomainError
from foundation.idempotency import from_now
from foundation.transactions import durable
from payments.models import ProcessorEvent
from payments.processors import processor
from payments.processors.base import ProcessorEvent as Message

Arrival = ProcessorEvent.Arrival
_log = logging.getLogger(__name__)
# How many deliveries are still open is counted in the message itself, so it differs between them:
# https://docs.stripe.com/api/events/object#event_object-pending_webhooks
_CHANGES_BETWEEN_DELIVERIES: Final = ("pending_webhooks",)


class EventNotGenuine(DomainError):
    """Not signed by the processor, too old, not for us, or not readable; which is not said."""

    code, status, title = "processor_event_not_genuine", 400, "This is no event of the processor"


class EventAltered(DomainError):
    """Genuinely signed, but an event with this id was stored before and said something else."""

    code, status, title = (
        "processor_event_altered",
        409,
        "An event with this id was received before, with another content",
    )


@dataclass(frozen=True)
class Receipt:
    """The row of an event, and whether this delivery was the first."""

    row: ProcessorEvent
    is_new: bool


def receive(*, name: str, body: bytes, signature: str) -> Receipt:
    """Verify and store one delivery to the processor `name`'s address, as it came.

    Returns once it is on disk. Raises `EventNotGenuine` or `EventAltered`; nothing is stored then.
    """
    try:
        message = processor(name).parse_event(body=body, signature=signature)
    except ValueError as error:
        _log.warning("a processor event was refused: %s", error)
        raise EventNotGenuine from error
    receipt = store(message, name=name, body=body, arrival=Arrival.WEBHOOK)
    if not receipt.is_new:
        _check_unaltered(receipt.row, message, body)
    return receipt


def store(message: Message, *, name: str, body: bytes, arrival: Arrival) -> Receipt:
    """Insert the event unless it is there, and tell that it came; both or neither.

    One of a type that is not subscribed to (`PROCESSOR_EVENT_TYPES`) is stored as `ignored`.
    """
    row = _row(message, name=name, body=body, arrival=arrival)
    with durable():
        if not rows.insert_unless_there(row):
            row = ProcessorEvent.objects.get(processor=name, external_id=message.external_id)
            return Receipt(row, is_new=False)
        if row.state == "received":
            fact = {"processor_event_id": str(row.pk)}
            outbox.record(row.pk, [Event("processor_event.received", fact)], client_id=None)
    return Receipt(row, is_new=True)


def _row(message: Message, *, name: str, body: bytes, arrival: Arrival) -> ProcessorEvent:
    row = ProcessorEvent(
        processor=name,
        external_id=message.external_id,
        type=message.type,
        kind=message.kind,
        object_id=message.object_id,
        processor_reference=message.processor_reference,
        reference=message.reference,
        amount=message.amount,
        currency=message.currency,
        arrival=arrival,
        body=body,
        happened_at=message.created_at,
        due_at=from_now(settings.PROCESSOR_EVENT_FIRST_SECONDS),
    )
    if message.type not in settings.PROCESSOR_EVENT_TYPES[name]:
        row.state, row.ended_at = "ignored", clock.now()
        row.outcome = "a type that nothing here depends on"
    return row


def _check_unaltered(row: ProcessorEvent, message: Message, body: bytes) -> None:
    """A second delivery must say what the first said. The refusal goes on record."""
    same = row.type == message.type and row.object_id == message.object_id
    stored = bytes(row.body)
    if same and (not stored or _content(stored) == _content(body)):
        return
    _log.error("processor event %s came again with another content", row.external_id)
    audit.record(
        actor="processor",
        action="processor_event.refused",
        aggregate="processor_event",
        aggregate_id=row.pk,
        reason="the same id, genuinely signed, with another content",
        before={"type": row.type, "object": row.object_id},
        after={"type": message.type, "object": message.object_id},
    )
    raise EventAltered


def _content(body: bytes) -> Any:
    document = json.loads(body)
    for name in _CHANGES_BETWEEN_DELIVERIES:
        document.pop(name, None)
    return document
