"""Looking at checkouts, orders and shipments: only the caller's own."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attribution import journeys
from attribution import representations as attribution
from foundation.edge import lookup
from foundation.edge.authentication import principal
from foundation.edge.http import tagged
from foundation.money import Money
from orders import representations, selectors, timeline
from orders.states import ORDER


class OneCheckout(APIView):
    """GET /v1/checkouts/{id}."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The state now, whatever the first answer was."""
        rows = selectors.checkouts(principal(request))
        row = lookup.one(rows, prefix="chk", reference=reference)
        return tagged(request, representations.checkout(row))


class CheckoutTimeline(APIView):
    """GET /v1/checkouts/{id}/timeline."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request, reference: str) -> Response:
        """Steps, processor calls, moves and events, in order."""
        rows = selectors.checkouts(principal(request))
        row = lookup.one(rows, prefix="chk", reference=reference)
        return Response({"items": timeline.of_checkout(row, for_staff=False)})


class Orders(APIView):
    """GET /v1/orders."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request) -> Response:
        """Newest first, by cursor; `status` and `customer` filter."""
        query = lookup.asked(request.query_params, "status", "customer", *lookup.PAGE)
        rows = selectors.orders(principal(request))
        if status := lookup.choice(query, "status", among=ORDER.states):
            rows = rows.filter(state=status)
        if customer := lookup.text(query, "customer"):
            rows = rows.filter(customer_reference=customer)
        found, following = lookup.page(
            rows, prefix="ord", limit=query.get("limit", ""), cursor=query.get("cursor", "")
        )
        items = [representations.whole_order(row) for row in found]
        return Response({"items": items, "next_cursor": following})


class OneOrder(APIView):
    """GET /v1/orders/{id}."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The order now, with where it came from."""
        row = lookup.one(selectors.orders(principal(request)), prefix="ord", reference=reference)
        return tagged(request, representations.order_with_origin(row))


class OrderAttribution(APIView):
    """GET /v1/orders/{id}/attribution."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request, reference: str) -> Response:
        """What led to the order, and whom each model thanks for it; computed now."""
        row = lookup.one(selectors.orders(principal(request)), prefix="ord", reference=reference)
        touches = journeys.journey(
            journeys.Purchase(row.client_id, row.customer_reference, row.placed_at, row.attribution)
        )
        total = Money(row.total_amount, row.currency)
        return Response({"order": row.reference} | attribution.journey(touches, total))


class OrderTimeline(APIView):
    """GET /v1/orders/{id}/timeline."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request, reference: str) -> Response:
        """One stream of everything that happened."""
        row = lookup.one(selectors.orders(principal(request)), prefix="ord", reference=reference)
        return Response({"items": timeline.of_order(row, for_staff=False)})
