"""The HTTP edge of what is told: the feed, and the deliveries with their tries."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from events import replay, representations, selectors
from events.models import FeedEntry, WebhookDelivery
from foundation.edge import lookup
from foundation.edge.authentication import principal
from foundation.edge.http import refuse_unless_current, tagged

_SCOPE = "webhooks"


class Events(APIView):
    """GET /v1/events."""

    scopes = {"GET": _SCOPE}

    def get(self, request: Request) -> Response:
        """Oldest first; `next_cursor` is where to go on, also when this is the end for now."""
        caller = principal(request)
        query = lookup.asked(request.query_params, "type", "subject", "since", *lookup.PAGE)
        rows = selectors.narrowed_feed(selectors.feed(caller), query)
        found, following, has_more = selectors.feed_page(
            rows, caller, limit=query.get("limit", ""), cursor=query.get("cursor", "")
        )
        items = [representations.event(row) for row in found]
        return Response({"items": items, "next_cursor": following, "has_more": has_more})


class OneEvent(APIView):
    """GET /v1/events/{id}."""

    scopes = {"GET": _SCOPE}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The event as it is told."""
        rows = selectors.feed(principal(request))
        row: FeedEntry = lookup.one(rows, prefix="evt", reference=reference)
        return tagged(request, representations.event(row))


class Deliveries(APIView):
    """GET /v1/deliveries."""

    scopes = {"GET": _SCOPE}

    def get(self, request: Request) -> Response:
        """Newest first, by cursor; `endpoint`, `event` and `state` filter."""
        query = lookup.asked(request.query_params, "endpoint", "event", "state", *lookup.PAGE)
        rows = selectors.deliveries(principal(request))
        found, following = lookup.page(
            selectors.narrowed_deliveries(rows, query), prefix="dlv",
            limit=query.get("limit", ""), cursor=query.get("cursor", ""),
        )  # fmt: skip
        items = [representations.delivery(row) for row in found]
        return Response({"items": items, "next_cursor": following})


class OneDelivery(APIView):
    """GET /v1/deliveries/{id}."""

    scopes = {"GET": _SCOPE}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The delivery with each try at it."""
        rows = selectors.deliveries(principal(request))
        row = lookup.one(rows, prefix="dlv", reference=reference)
        return tagged(request, representations.delivery_with_attempts(row))


class Retry(APIView):
    """POST /v1/deliveries/{id}/retry."""

    scopes = {"POST": _SCOPE}

    def post(self, request: Request, reference: str) -> Response:
        """202: it is sent again now, under the id it has."""
        caller = principal(request)
        row = lookup.one(selectors.deliveries(caller), prefix="dlv", reference=reference)

        def expects(now: WebhookDelivery) -> None:
            refuse_unless_current(request, representations.delivery_with_attempts(now))

        row = replay.again(row.pk, by=caller.actor, reason="asked for", expects=expects)
        return Response(representations.delivery(row), status=202)
