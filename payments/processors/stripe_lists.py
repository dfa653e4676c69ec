"""Stripe's lists, read to their end: newest first a page at a time, or oldest first for events."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import stripe
from django.conf import settings

from payments.processors import stripe_events, stripe_shapes
from payments.processors.base import OutcomeUnknown, ProcessorEvent, ProcessorTransaction
from payments.processors.stripe_errors import asking

_PAGE: Final = 100
_SOURCE: Final = ["data.source"]
_MOST_TYPES: Final = 20  # https://docs.stripe.com/api/events/list, parameter `types`

Doc = Mapping[str, Any]


def pages(client: stripe.StripeClient, path: str, **filters: Any) -> list[Doc]:
    """All of a short list, newest first.

    Raises `OutcomeUnknown` when it is longer than `STRIPE_LIST_PAGES_MAX` pages: half a list
    proves nothing, and the lease must outlive the reading.
    """
    found: list[Doc] = []
    for _ in range(settings.STRIPE_LIST_PAGES_MAX):
        page = _page(client, path, after=found[-1]["id"] if found else "", **filters)
        found += page["data"]
        if not page["has_more"]:
            return found
    raise OutcomeUnknown("the list is longer than a look-up may read")


def events_since(
    client: stripe.StripeClient, *, since: dt.datetime, types: Sequence[str]
) -> Iterator[ProcessorEvent]:
    """The events since then, oldest first, whole pages of them at a time.

    Stripe lists newest first. A span with more than a page in it is halved until it has no
    more than that, so the first is told before the last is read, however many there are.
    """
    begin = int(since.timestamp())
    wanted: dict[str, Any] = {"types": list(types)} if 0 < len(types) <= _MOST_TYPES else {}
    with asking():
        newest = _page(client, "/v1/events", created={"gte": begin}, **wanted, limit=1)["data"]
        spans = [(begin, newest[0]["created"] + 1)] if newest else []
    while spans:
        first, end = spans.pop()
        with asking():
            page = _span(client, first, end, **wanted)
            events = [stripe_events.read(doc) for doc in reversed(page["data"])]
        if page["has_more"]:
            middle = (first + end) // 2
            spans += [(middle, end), (first, middle)]
        else:
            yield from (event for event in events if not types or event.type in types)


def transactions(
    client: stripe.StripeClient, *, after: str, **of: Any
) -> Iterator[ProcessorTransaction]:
    """The balance transactions of a span or a payout, newest first, page by page to the end."""
    has_more = True
    while has_more:
        with asking():
            page = _page(client, "/v1/balance_transactions", after=after, expand=_SOURCE, **of)
            told = [stripe_shapes.transaction(doc) for doc in page["data"]]
            if page["has_more"] and not told:
                raise ValueError("an empty page that is not the last")
        yield from told
        has_more = page["has_more"]
        after = told[-1].external_id if told else ""


def _span(client: stripe.StripeClient, first: int, end: int, **wanted: Any) -> dict[str, Any]:
    """The first page of [first, end); of a single second, which can not be halved, all pages."""
    within = {"created": {"gte": first, "lt": end}, **wanted}
    page = _page(client, "/v1/events", **within)
    while page["has_more"] and end - first <= 1:
        more = _page(client, "/v1/events", after=page["data"][-1]["id"], **within)
        page = {"data": page["data"] + more["data"], "has_more": more["has_more"]}
    return page


def _page(
    client: stripe.StripeClient, path: str, *, after: str = "", limit: int = 0, **filters: Any
) -> dict[str, Any]:
    cursor = {"starting_after": after} if after else {}
    page = client.raw_request("get", path, limit=limit or _PAGE, **cursor, **filters).data
    return {"data": page["data"], "has_more": page["has_more"]}
