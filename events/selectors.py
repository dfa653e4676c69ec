"""Reading the feed, endpoints and deliveries: each caller its own, unless its key sees all."""

import uuid
from collections.abc import Mapping

from django.db.models import QuerySet

from events import moments
from events.catalogue import PUBLIC
from events.models import FeedEntry, WebhookDelivery, WebhookEndpoint
from events.states import DELIVERY
from foundation import ids
from foundation.edge import lookup
from foundation.edge.authentication import Principal
from foundation.errors import InvalidInput

_SUBJECT_MAX = 40


def endpoints(caller: Principal) -> QuerySet[WebhookEndpoint]:
    """Those that are not removed.

    One that is told of every client is seen, and changed, only by a key that sees as much.
    """
    rows = lookup.visible(WebhookEndpoint.objects.exclude(state="deleted"), caller)
    return rows if caller.sees_all else rows.exclude(all_clients=True)


def deliveries(caller: Principal) -> QuerySet[WebhookDelivery]:
    """What was, is, or will be told to the caller's endpoints."""
    rows = WebhookDelivery.objects.select_related("endpoint", "event")
    rows = rows.exclude(endpoint__state="deleted")
    if caller.sees_all:
        return rows
    return rows.filter(endpoint__client_id=caller.client_id, endpoint__all_clients=False)


def narrowed_deliveries(
    rows: QuerySet[WebhookDelivery], query: Mapping[str, str]
) -> QuerySet[WebhookDelivery]:
    """`endpoint`, `event` and `state` filter. Raises `InvalidInput` for what can not be."""
    if reference := query.get("endpoint", ""):
        rows = rows.filter(endpoint_id=_id("whe", reference, name="endpoint"))
    if reference := query.get("event", ""):
        rows = rows.filter(event_id=_id("evt", reference, name="event"))
    if state := lookup.choice(query, "state", among=DELIVERY.states):
        rows = rows.filter(state=state)
    return rows


def feed(caller: Principal) -> QuerySet[FeedEntry]:
    """What has a place in the feed by now."""
    rows = FeedEntry.objects.select_related("event").filter(position__isnull=False)
    return lookup.visible(rows, caller)


def narrowed_feed(rows: QuerySet[FeedEntry], query: Mapping[str, str]) -> QuerySet[FeedEntry]:
    """`type`, `subject` (any public id) and `since` filter. Raises `InvalidInput`."""
    if types := lookup.text(query, "type"):
        asked = set(types.split(","))
        if not asked <= PUBLIC:
            raise InvalidInput("There is no such type of events.", errors=[lookup.bad("type")])
        rows = rows.filter(type__in=sorted(asked))
    if subject := lookup.text(query, "subject"):
        stream = ids.parse("chk", subject)
        rows = (
            rows.filter(subjects__contains=[subject[:_SUBJECT_MAX]])
            if stream is None
            else rows.filter(event__stream=stream)
        )
    if since := query.get("since", ""):
        moment = moments.read(since)
        if moment is None:
            raise InvalidInput("since is an RFC 3339 time.", errors=[lookup.bad("since")])
        rows = rows.filter(event_id__gte=ids.floor(moment))
    return rows


def feed_page(
    rows: QuerySet[FeedEntry], caller: Principal, *, limit: str, cursor: str
) -> tuple[list[FeedEntry], str | None, bool]:
    """Oldest first, after the event that the cursor names; the cursor to go on with, and whether
    there is more already. At the end the cursor stays where it was: ask again later."""
    size, after = lookup.window(prefix="evt", limit=limit, cursor=cursor)
    if after is not None:
        position = feed(caller).filter(pk=after).values_list("position", flat=True).first()
        if position is None:
            raise InvalidInput("The cursor is not one of ours.", errors=[lookup.bad("cursor")])
        rows = rows.filter(position__gt=position)
    found = list(rows.order_by("position")[: size + 1])
    shown = found[:size]
    following = shown[-1].event.reference if shown else cursor or None
    return shown, following, len(found) > size


def _id(prefix: str, reference: str, *, name: str) -> uuid.UUID:
    parsed = ids.parse(prefix, reference)
    if parsed is None:
        raise InvalidInput(f"{name} is an id ({prefix}_…).", errors=[lookup.bad(name)])
    return parsed
