"""The HTTP edge of attribution: read strictly, call the verb, send the bytes."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attribution import conversions, touchpoints
from attribution.actions import CONVERSIONS, TOUCHPOINT
from attribution.gap import report
from attribution.serializers import ConversionsRequest, TouchpointRequest
from foundation.actions import Wish, perform
from foundation.edge import lookup
from foundation.edge.authentication import principal
from foundation.edge.http import stored
from foundation.edge.strict_json import StrictJSONParser
from foundation.idempotency_header import read_key
from foundation.models import client_scope


class Touchpoints(APIView):
    """POST /v1/touchpoints."""

    scopes = {"POST": "checkout"}

    def post(self, request: Request) -> HttpResponse:
        """A visit began; told once, however often it is sent."""
        key, caller = read_key(request.headers.get("Idempotency-Key")), principal(request)
        told = TouchpointRequest.accept(request.data)
        reply = perform(
            TOUCHPOINT,
            Wish(client_scope(caller.client_id, "POST", "/v1/touchpoints"), key, request.data),
            begin=lambda new_id: touchpoints.record(
                told, touchpoint_id=new_id, client_id=caller.client_id
            ),
        )
        return stored(reply.answer, is_replay=reply.is_replay)


class ConversionsParser(StrictJSONParser):
    """A thousand rows are more than other bodies may have."""

    limit = "CONVERSIONS_BODY_BYTES_MAX"


class Conversions(APIView):
    """POST /v1/conversions."""

    scopes = {"POST": "reports"}
    parser_classes = [ConversionsParser]

    def post(self, request: Request) -> HttpResponse:
        """Sales as analytics counted them: all of these, or none."""
        key, caller = read_key(request.headers.get("Idempotency-Key")), principal(request)
        told = ConversionsRequest.accept(request.data)["conversions"]
        reply = perform(
            CONVERSIONS,
            Wish(client_scope(caller.client_id, "POST", "/v1/conversions"), key, request.data),
            begin=lambda new_id: conversions.record(
                told, batch_id=new_id, client_id=caller.client_id
            ),
        )
        return stored(reply.answer, is_replay=reply.is_replay)


class AttributionGap(APIView):
    """GET /v1/reports/attribution-gap."""

    scopes = {"GET": "reports"}

    def get(self, request: Request) -> Response:
        """The gap of the caller's orders, by day or by what is asked for."""
        caller = principal(request)
        question = report.asked(lookup.asked(request.query_params, *report.PARAMETERS))
        found = report.find(question, client_id=None if caller.sees_all else caller.client_id)
        return Response(report.answer(question, found))
