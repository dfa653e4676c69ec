"""What lies on the shelf, and changing it by hand."""

import uuid

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.actions import Wish, perform
from foundation.edge.authentication import principal
from foundation.edge.http import refuse_stale, stored, tagged
from foundation.errors import NotFound
from foundation.idempotency_header import read_key
from foundation.models import client_scope
from orders import representations, stocktaking
from orders.actions import ADJUSTMENT
from orders.models import StockItem
from orders.serializers.order_requests import AdjustmentRequest
from orders.views import shown


class InventoryItem(APIView):
    """GET /v1/inventory-items/{sku}."""

    scopes = {"GET": "orders:read"}

    def get(self, request: Request, sku: str) -> HttpResponse:
        """The shelf of one SKU now."""
        return tagged(request, representations.inventory_item(_shelf_of(sku)))


class InventoryAdjustments(APIView):
    """POST /v1/inventory-items/{sku}/adjustments."""

    scopes = {"POST": "orders:write"}

    def post(self, request: Request, sku: str) -> HttpResponse:
        """So many more, or fewer, and why; never fewer than are reserved."""
        key, caller = read_key(request.headers.get("Idempotency-Key")), principal(request)
        wanted = AdjustmentRequest.accept(request.data)
        route = f"/v1/inventory-items/{_shelf_of(sku).sku}/adjustments"
        scope = client_scope(caller.client_id, "POST", route)

        def begin(new_id: uuid.UUID) -> None:
            refuse_stale(request, lambda: shown.shelf_now(sku))
            stocktaking.adjust(
                sku, wanted["delta"], adjustment_id=new_id, by=caller.actor,
                reason=wanted["reason"], client_id=caller.client_id,
            )  # fmt: skip

        reply = perform(ADJUSTMENT, Wish(scope, key, request.data), begin=begin)
        return stored(reply.answer, is_replay=reply.is_replay)


def _shelf_of(sku: str) -> StockItem:
    """The shelf; raises `NotFound`, also for what can be no SKU (a path may hold anything)."""
    row = StockItem.objects.filter(sku=sku).first() if sku.isprintable() else None
    if row is None:
        raise NotFound("There is no such SKU.")
    return row
