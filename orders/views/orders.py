"""Changing orders: read strictly, call the verb, send the bytes."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.edge import lookup
from foundation.edge.authentication import principal
from foundation.edge.http import refuse_stale, stored
from foundation.idempotency_header import read_key
from foundation.models import client_scope
from orders import selectors
from orders.cancellation.cancel import CancelWish, cancel
from orders.serializers.order_requests import CancelRequest
from orders.views import shown
from payments.models import Source


class OrderCancellation(APIView):
    """POST /v1/orders/{id}/cancel."""

    scopes = {"POST": "orders:write"}

    def post(self, request: Request, reference: str) -> HttpResponse:
        """200 once the money is on its way back, 202 while that is not known."""
        key, body, caller = (
            read_key(request.headers.get("Idempotency-Key")), request.data, principal(request)
        )  # fmt: skip
        wanted = CancelRequest.accept(body)
        order = lookup.one(selectors.orders(caller), prefix="ord", reference=reference)
        wish = CancelWish(
            order_id=order.pk,
            actor=caller.actor,
            source=Source.API,
            reason=wanted["reason"],
            scope=client_scope(caller.client_id, "POST", request.path),
            key=key,
            body=body,
            expects=lambda: refuse_stale(request, lambda: shown.order_now(order.pk)),
        )
        reply = cancel(wish)
        return stored(reply.answer, is_replay=reply.is_replay)
