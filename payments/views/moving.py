"""Captures, voids and refunds over HTTP: read strictly, call the verb, send the stored bytes."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.actions import Reply, Wish
from foundation.edge import lookup
from foundation.edge.authentication import principal
from foundation.edge.http import refuse_stale, stored
from foundation.idempotency_header import read_key
from foundation.models import client_scope
from payments import representations, selectors
from payments.actions import Caller, ask_capture, ask_refund, ask_void
from payments.models import Payment
from payments.serializers import CaptureRequest, RefundRequest, VoidRequest, minor_units
from payments.services import steps


class Captures(APIView):
    """POST /v1/payments/{id}/captures."""

    scopes = {"POST": "payments:write"}

    def post(self, request: Request, reference: str) -> HttpResponse:
        """Take all that is held, or a part of it."""
        caller = _caller(request, reference, "captures")
        intent = CaptureRequest.accept(request.data)
        amount = minor_units(intent.amount, caller.payment.currency)
        return _sent(ask_capture(caller, amount=amount, final=intent.final))


class Void(APIView):
    """POST /v1/payments/{id}/void."""

    scopes = {"POST": "payments:write"}

    def post(self, request: Request, reference: str) -> HttpResponse:
        """Let go of the hold, or of what is left of it."""
        caller = _caller(request, reference, "void")
        return _sent(ask_void(caller, reason=VoidRequest.accept(request.data)))


class Refunds(APIView):
    """GET and POST /v1/payments/{id}/refunds."""

    scopes = {"GET": "orders:read", "POST": "payments:write"}

    def get(self, request: Request, reference: str) -> Response:
        """Every refund of the payment, the first one first."""
        refunds = _payment(request, reference).refunds.order_by("sequence")
        return Response({"items": [representations.refund(each) for each in refunds]})

    def post(self, request: Request, reference: str) -> HttpResponse:
        """Give back all that was taken, or a part of it."""
        caller = _caller(request, reference, "refunds")
        intent = RefundRequest.accept(request.data)
        amount = minor_units(intent.amount, caller.payment.currency)
        return _sent(ask_refund(caller, amount=amount, reason=intent.reason))


def _payment(request: Request, reference: str) -> Payment:
    return lookup.one(selectors.payments(principal(request)), prefix="pay", reference=reference)


def _caller(request: Request, reference: str, verb: str) -> Caller:
    """Everything that can be refused without a trace is refused before the claim."""
    key = read_key(request.headers.get("Idempotency-Key"))
    body: Any = request.data
    payment, who = _payment(request, reference), principal(request)
    route = f"/v1/payments/{payment.reference}/{verb}"
    wish = Wish(scope=client_scope(who.client_id, "POST", route), key=key, body=body)
    return Caller(
        wish=wish,
        actor=who.actor,
        payment=payment,
        expects=lambda: refuse_stale(request, lambda: _now(payment)),
    )


def _now(payment: Payment) -> dict[str, Any]:
    """As its own path shows it, under its lock."""
    steps.lock_and_read(payment)
    return representations.payment(payment)


def _sent(reply: Reply) -> HttpResponse:
    return stored(reply.answer, is_replay=reply.is_replay)
