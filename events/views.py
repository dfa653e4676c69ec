"""The HTTP edge of webhook endpoints: who wants to be told, and where."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from events import endpoints, replay, representations, selectors
from events.models import WebhookEndpoint
from events.refusals import AllClientsNotAllowed
from events.serializers import EndpointChange, EndpointRequest, ReplayRequest
from foundation import clock
from foundation.edge import lookup
from foundation.edge.authentication import principal
from foundation.edge.http import refuse_unless_current, tagged
from foundation.errors import InvalidInput

_SCOPE = "webhooks"


def _mine(request: Request, reference: str) -> WebhookEndpoint:
    rows = selectors.endpoints(principal(request))
    return lookup.one(rows, prefix="whe", reference=reference)


def _expected(request: Request) -> Callable[[WebhookEndpoint], None]:
    """`If-Match`, to be held against the endpoint as it is under its lock."""
    return lambda row: refuse_unless_current(request, representations.endpoint(row))


class Endpoints(APIView):
    """GET and POST /v1/webhook-endpoints."""

    scopes = {"GET": _SCOPE, "POST": _SCOPE}

    def get(self, request: Request) -> Response:
        """Newest first, by cursor."""
        query = lookup.asked(request.query_params, *lookup.PAGE)
        found, following = lookup.page(
            selectors.endpoints(principal(request)), prefix="whe",
            limit=query.get("limit", ""), cursor=query.get("cursor", ""),
        )  # fmt: skip
        items = [representations.endpoint(row) for row in found]
        return Response({"items": items, "next_cursor": following})

    def post(self, request: Request) -> Response:
        """201 with the secret, which is shown this once."""
        caller, wanted = principal(request), EndpointRequest.accept(request.data)
        if wanted["all_clients"] and not caller.sees_all:
            raise AllClientsNotAllowed("This key sees only what its own client made.")
        row = endpoints.create(caller.client_id, wanted, by=caller.actor)
        location = {"Location": f"/v1/webhook-endpoints/{row.reference}"}
        return Response(representations.endpoint_with_secret(row), status=201, headers=location)


class OneEndpoint(APIView):
    """GET, PATCH and DELETE /v1/webhook-endpoints/{id}."""

    scopes = {"GET": _SCOPE, "PATCH": _SCOPE, "DELETE": _SCOPE}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The endpoint, without its secret."""
        return tagged(request, representations.endpoint(_mine(request, reference)))

    def patch(self, request: Request, reference: str) -> HttpResponse:
        """Change what is told where, or whether at all; `If-Match` is honored."""
        changes = EndpointChange.accept(request.data)
        row, caller = _mine(request, reference), principal(request)
        changed = endpoints.change(row.pk, changes, by=caller.actor, expects=_expected(request))
        return tagged(request, representations.endpoint(changed))

    def delete(self, request: Request, reference: str) -> Response:
        """204; what is under way may still arrive."""
        row, caller = _mine(request, reference), principal(request)
        endpoints.remove(row.pk, by=caller.actor, expects=_expected(request))
        return Response(status=204)


class SecretRotation(APIView):
    """POST /v1/webhook-endpoints/{id}/rotate-secret."""

    scopes = {"POST": _SCOPE}

    def post(self, request: Request, reference: str) -> Response:
        """The new secret, shown this once; both sign for a while."""
        row, caller = _mine(request, reference), principal(request)
        row = endpoints.rotate(row.pk, by=caller.actor, expects=_expected(request))
        return Response(representations.endpoint_with_secret(row))


class Ping(APIView):
    """POST /v1/webhook-endpoints/{id}/ping."""

    scopes = {"POST": _SCOPE}

    def post(self, request: Request, reference: str) -> Response:
        """202: `webhook_endpoint.pinged` is on its way to this endpoint."""
        row, caller = _mine(request, reference), principal(request)
        row = endpoints.ping(row.pk, by=caller.actor, expects=_expected(request))
        return Response(representations.endpoint(row), status=202)


class Replay(APIView):
    """POST /v1/webhook-endpoints/{id}/replay."""

    scopes = {"POST": _SCOPE}

    def post(self, request: Request, reference: str) -> Response:
        """202 with how many events are told again."""
        wanted = ReplayRequest.accept(request.data)
        row = _mine(request, reference)
        until = wanted.get("until") or clock.now()
        if until <= wanted["since"]:
            raise InvalidInput("until comes after since.", errors=[_wrong("/until")])
        count = replay.replay(
            row.pk, since=wanted["since"], until=until, types=wanted.get("types", []),
            by=principal(request).actor, expects=_expected(request),
        )  # fmt: skip
        return Response({"endpoint": row.reference, "events": count}, status=202)


def _wrong(pointer: str) -> dict[str, Any]:
    return {"pointer": pointer, "code": "too_early", "detail": "It comes before since."}
