"""Buying, and coming back to it: read strictly, call the verb, send the bytes."""

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.authentication import principal
from foundation.http import client_ip, stored
from foundation.idempotency_header import read_key
from orders.checkout.pay import Purchase, pay
from orders.serializers.checkout_request import CheckoutRequest


class Checkouts(APIView):
    """POST /v1/checkouts: the shopper pressed Pay."""

    scopes = {"POST": "checkout"}

    def post(self, request: Request) -> HttpResponse:
        """Everything that can be refused without a trace is refused before the claim."""
        key = read_key(request.headers.get("Idempotency-Key"))
        body = request.data
        reply = pay(
            Purchase(
                intent=CheckoutRequest.accept(body),
                body=body,
                key=key,
                client_id=principal(request).client_id,
                ip=client_ip(request, trusted=settings.TRUSTED_PROXIES),
                user_agent=request.headers.get("User-Agent", "").replace("\0", "")[:512],
                referrer=request.headers.get("Referer", "").replace("\0", "")[:2048],
                request_id=getattr(request, "request_id", ""),
            )
        )
        return stored(reply.answer, is_replay=reply.is_replay)
