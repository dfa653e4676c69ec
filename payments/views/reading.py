"""Payments, their steps, refunds and disputes, as a client may read them."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.edge import lookup
from foundation.edge.authentication import principal
from foundation.edge.http import tagged
from payments import representations, selectors, timeline
from payments.states import DISPUTE, PAYMENT


class Payments(APIView):
    """GET /v1/payments."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request) -> Response:
        """Newest first, by cursor; `status` filters."""
        query = lookup.asked(request.query_params, "status", *lookup.PAGE)
        rows = selectors.payments(principal(request))
        if status := lookup.choice(query, "status", among=PAYMENT.states):
            rows = rows.filter(state=status)
        found, following = lookup.page(
            rows, prefix="pay", limit=query.get("limit", ""), cursor=query.get("cursor", "")
        )
        items = [representations.payment(row) for row in found]
        return Response({"items": items, "next_cursor": following})


class OnePayment(APIView):
    """GET /v1/payments/{id}."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The payment now, amounts folded."""
        row = lookup.one(selectors.payments(principal(request)), prefix="pay", reference=reference)
        return tagged(request, representations.payment(row))


class PaymentTransactions(APIView):
    """GET /v1/payments/{id}/transactions."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request, reference: str) -> Response:
        """Each step at the processor."""
        row = lookup.one(selectors.payments(principal(request)), prefix="pay", reference=reference)
        steps = row.transactions.order_by("pk")
        return Response({"items": [representations.transaction(step) for step in steps]})


class PaymentTimeline(APIView):
    """GET /v1/payments/{id}/timeline."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request, reference: str) -> Response:
        """Steps and moves in one stream."""
        row = lookup.one(selectors.payments(principal(request)), prefix="pay", reference=reference)
        return Response({"items": timeline.of_payment(row)})


class OneRefund(APIView):
    """GET /v1/refunds/{id}."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The refund now; a succeeded one may still come back from the bank."""
        row = lookup.one(selectors.refunds(principal(request)), prefix="rfd", reference=reference)
        return tagged(request, representations.refund(row))


class Disputes(APIView):
    """GET /v1/disputes."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request) -> Response:
        """Newest first, by cursor; `status` filters."""
        query = lookup.asked(request.query_params, "status", *lookup.PAGE)
        rows = selectors.disputes(principal(request))
        if status := lookup.choice(query, "status", among=DISPUTE.states):
            rows = rows.filter(state=status)
        found, following = lookup.page(
            rows, prefix="dsp", limit=query.get("limit", ""), cursor=query.get("cursor", "")
        )
        items = [representations.dispute(row) for row in found]
        return Response({"items": items, "next_cursor": following})


class OneDispute(APIView):
    """GET /v1/disputes/{id}."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The dispute now, with the deadline for evidence."""
        row = lookup.one(selectors.disputes(principal(request)), prefix="dsp", reference=reference)
        return tagged(request, representations.dispute(row))
