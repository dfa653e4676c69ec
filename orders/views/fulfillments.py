"""Shipments of an order: what is owed, what leaves, what became of it."""

import uuid

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.actions import Wish, perform
from foundation.edge import lookup
from foundation.edge.authentication import principal
from foundation.edge.http import refuse_stale, refuse_unless_current, stored, tagged
from foundation.idempotency_header import read_key
from foundation.models import client_scope
from orders import fulfillment, representations, selectors
from orders.actions import FULFILLMENT
from orders.models import Fulfillment
from orders.serializers.order_requests import FulfillmentChange, FulfillmentRequest
from orders.views import shown


class OrderFulfillments(APIView):
    """GET, POST /v1/orders/{id}/fulfillments."""

    scopes = {"GET": "orders:read", "POST": "orders:write"}

    def get(self, request: Request, reference: str) -> Response:
        """All of them, in the order in which they were asked for."""
        caller = principal(request)
        order = lookup.one(selectors.orders(caller), prefix="ord", reference=reference)
        rows = selectors.fulfillments(caller).filter(order=order).order_by("sequence")
        return Response({"items": [representations.fulfillment(row) for row in rows]})

    def post(self, request: Request, reference: str) -> HttpResponse:
        """A shipment of some of what is owed; it is not on its way yet."""
        key, caller = read_key(request.headers.get("Idempotency-Key")), principal(request)
        units = FulfillmentRequest.accept(request.data)
        order = lookup.one(selectors.orders(caller), prefix="ord", reference=reference)
        scope = client_scope(caller.client_id, "POST", request.path)

        def begin(new_id: uuid.UUID) -> None:
            refuse_stale(request, lambda: shown.order_now(order.pk))
            fulfillment.create(order.pk, units, fulfillment_id=new_id, by=caller.actor)

        reply = perform(FULFILLMENT, Wish(scope, key, request.data), begin=begin)
        return stored(reply.answer, is_replay=reply.is_replay)


class OneFulfillment(APIView):
    """GET, PATCH /v1/fulfillments/{id}."""

    scopes = {"GET": "orders:read", "PATCH": "orders:write"}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The shipment now, with its ETag."""
        rows = selectors.fulfillments(principal(request))
        row = lookup.one(rows, prefix="ful", reference=reference)
        return tagged(request, representations.fulfillment(row))

    def patch(self, request: Request, reference: str) -> HttpResponse:
        """What became of it; with `If-Match`, only if nobody changed it meanwhile."""
        caller = principal(request)
        wanted = fulfillment.Change(**FulfillmentChange.accept(request.data))
        row = lookup.one(selectors.fulfillments(caller), prefix="ful", reference=reference)

        def expects(now: Fulfillment) -> None:
            refuse_unless_current(request, representations.fulfillment(now))

        fulfillment.change(row.pk, wanted, by=caller.actor, expects=expects)
        after = selectors.whole_fulfillment(row.pk)
        return tagged(request, representations.fulfillment(after))
