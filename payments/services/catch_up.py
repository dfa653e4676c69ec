"""What the processor could not deliver: its list of events is read, and the missing are stored.

How far it was read is a row (`EventListing`), moved on as it goes: a run that is cut short is
gone on with by the next. From there a little is read again, because a list may show an event
later than its time says.
"""

import datetime as dt
import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from foundation import clock
from payments.models import EventListing, Payment, ProcessorEvent
from payments.processors import processor
from payments.processors.base import ProcessorEvent as Message
from payments.services.receive import Arrival, store

_CHUNK: Final = 100


@dataclass(frozen=True)
class Progress:
    """How many events were listed and how many of them were missing, up to which moment."""

    listed: int
    missing: int
    until: dt.datetime


def catch_up_all(*, seconds: float) -> None:
    """Each processor of the settings, within `seconds` together; what is left is the next run's."""
    give_up_at = time.monotonic() + seconds
    for name in settings.PROCESSOR_EVENT_TYPES:
        for _ in catch_up(name, since=None):
            if time.monotonic() >= give_up_at:
                return


def catch_up(name: str, *, since: dt.datetime | None) -> Iterator[Progress]:
    """Store what is missing of the events since then, telling how far it is after each hundred.

    Without `since`: from where the last run came to. With a later one, that is left where it
    is: what lies between was not read. Raises `ProcessorUnavailable` or
    `OutcomeUnknown` when the processor does not answer; what was stored stays.
    """
    begun = clock.now()
    known = _known_until(name)
    if since is None and known is None:
        return
    is_gapless = since is None or known is None or since <= known
    since = since or _a_little_before(known, begun)
    listed = missing = 0
    types = settings.PROCESSOR_EVENT_TYPES[name]
    for chunk in _chunks(processor(name).list_events(since=since, types=types)):
        missing += _store_missing(name, chunk)
        listed += len(chunk)
        until = chunk[-1].created_at
        if is_gapless:
            _remember(name, until)
        yield Progress(listed, missing, until)
    if is_gapless:
        _remember(name, begun)
    yield Progress(listed, missing, begun)


def _chunks(messages: Iterable[Message]) -> Iterator[list[Message]]:
    rest = iter(messages)
    while chunk := list(itertools.islice(rest, _CHUNK)):
        yield chunk


def _store_missing(name: str, chunk: list[Message]) -> int:
    ids = [message.external_id for message in chunk]
    rows = ProcessorEvent.objects.filter(processor=name, external_id__in=ids)
    here = set(rows.values_list("external_id", flat=True))
    missing = [message for message in chunk if message.external_id not in here]
    return sum(
        store(message, name=name, body=b"", arrival=Arrival.CATCH_UP).is_new for message in missing
    )


def _known_until(name: str) -> dt.datetime | None:
    """Where the last run came to; before the first, our first payment. None: nothing to tell of."""
    row = EventListing.objects.filter(processor=name).first()
    if row is not None:
        return row.read_until
    ours = Payment.objects.filter(processor=name)
    return ours.order_by("pk").values_list("created_at", flat=True).first()


def _a_little_before(known: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """Never before what the processor keeps: what is older is found by reconciliation only."""
    oldest = now - settings.PROCESSOR_EVENT_KEPT
    overlap = dt.timedelta(seconds=settings.PROCESSOR_EVENT_OVERLAP_SECONDS)
    return oldest if known is None else max(known - overlap, oldest)


def _remember(name: str, until: dt.datetime) -> None:
    """Everything before `until` is here. Never moved back: two runs may overlap."""
    row, is_new = EventListing.objects.get_or_create(processor=name, defaults={"read_until": until})
    if not is_new:
        EventListing.objects.filter(pk=row.pk, read_until__lt=until).update(read_until=until)
