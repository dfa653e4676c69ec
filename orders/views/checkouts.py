"""Buying, and coming back to it: read strictly, call the verb, send the bytes."""

import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.actions import Action, Wish, perform
from foundation.edge import lookup
from foundation.edge.authentication import principal
from foundation.edge.http import client_ip, header_text, refuse_stale, stored
from foundation.idempotency_header import read_key
from foundation.models import client_scope
from orders import selectors
from orders.checkout import visits
from orders.checkout.pay import Purchase, pay
from orders.serializers.checkout_request import CheckoutRequest
from orders.serializers.order_requests import NothingRequest
from orders.views import shown


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
                user_agent=header_text(request, "User-Agent", longest=512),
                referrer=header_text(request, "Referer", longest=2048),
                request_id=getattr(request, "request_id", ""),
            )
        )
        return stored(reply.answer, is_replay=reply.is_replay)


class _Visit(APIView):
    """A POST below a checkout's own path: a key, an empty body, and what the saga makes of it."""

    scopes = {"POST": "checkout"}
    action: Action
    began: Callable[..., Callable[[uuid.UUID], None]]

    def post(self, request: Request, reference: str) -> HttpResponse:
        """The key is claimed with the visit; what is answered is read from the rows."""
        key, caller = read_key(request.headers.get("Idempotency-Key")), principal(request)
        NothingRequest.accept(request.data)
        checkout = lookup.one(selectors.checkouts(caller), prefix="chk", reference=reference)
        scope = client_scope(caller.client_id, "POST", request.path)
        come_back = self.began(
            checkout, actor=caller.actor, request_id=getattr(request, "request_id", "")
        )

        def begin(visit_id: uuid.UUID) -> None:
            refuse_stale(request, lambda: shown.checkout_now(checkout.pk))
            come_back(visit_id)

        reply = perform(self.action, Wish(scope, key, request.data), begin=begin)
        return stored(reply.answer, is_replay=reply.is_replay)


class CheckoutConfirmation(_Visit):
    """POST /v1/checkouts/{id}/confirm: the shopper is back from the bank's page."""

    action, began = visits.CONFIRM, staticmethod(visits.confirming)


class CheckoutCancellation(_Visit):
    """POST /v1/checkouts/{id}/cancel: the shopper will not come back."""

    action, began = visits.CANCEL, staticmethod(visits.canceling)
