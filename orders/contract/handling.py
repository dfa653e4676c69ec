"""Orders, their shipments and the shelf in the document of the API."""

from typing import Final

from foundation.edge.contract import Answer, Operation, Operations, Query, items, page, text
from orders import refusals
from orders.contract.shapes import (
    ADJUSTMENT,
    ENTRY,
    FULFILLMENT_SHAPE,
    ORDER_JOURNEY,
    ORDER_SHAPE,
    ORDER_STATUS,
    ORDER_WITH_ATTRIBUTION,
    SHELF,
)
from orders.serializers.order_requests import (
    AdjustmentRequest,
    CancelRequest,
    FulfillmentChange,
    FulfillmentRequest,
)
from orders.views import fulfillments, inventory, orders, reading
from payments.refusals import PaymentInProgress

OPERATIONS: Final[Operations] = {
    (reading.Orders, "GET"): Operation(
        "list_orders",
        "List orders",
        {200: Answer("Newest first.", page(ORDER_SHAPE))},
        query=(
            Query("status", "only those that are in this state", ORDER_STATUS),
            Query("customer", "only those of this customer", text("cus_42")),
        ),
        is_paged=True,
    ),
    (reading.OneOrder, "GET"): Operation(
        "get_order",
        "Read an order",
        {200: Answer("The order now, with where it came from.", ORDER_WITH_ATTRIBUTION)},
        prefix="ord",
        reads_one=True,
    ),
    (reading.OrderTimeline, "GET"): Operation(
        "get_order_timeline",
        "Read what happened to an order",
        {200: Answer("One stream, oldest first.", items(ENTRY))},
        prefix="ord",
    ),
    (reading.OrderAttribution, "GET"): Operation(
        "get_order_attribution",
        "Read what led to an order",
        {200: Answer("The visits, and whom each model thanks.", ORDER_JOURNEY)},
        prefix="ord",
    ),
    (orders.OrderCancellation, "POST"): Operation(
        "cancel_order",
        "Undo an order",
        {
            200: Answer("It is undone, the money is on its way back.", ORDER_SHAPE, ("Location",)),
            202: Answer("The processor is being asked.", ORDER_SHAPE, ("Location", "Retry-After")),
        },
        problems=(refusals.OrderNotCancelable, refusals.CancellationInProgress),
        body=CancelRequest,
        example={"reason": "ordered twice"},
        prefix="ord",
        is_idempotent=True,
        changes_one=True,
    ),
    (fulfillments.OrderFulfillments, "GET"): Operation(
        "list_fulfillments",
        "List an order's shipments",
        {200: Answer("All of them, the first one first.", items(FULFILLMENT_SHAPE))},
        prefix="ord",
    ),
    (fulfillments.OrderFulfillments, "POST"): Operation(
        "create_fulfillment",
        "Take some of what is owed into a shipment",
        {201: Answer("It is not on its way yet.", FULFILLMENT_SHAPE, ("Location",))},
        problems=(
            refusals.OrderNotFulfillable,
            refusals.QuantityNotOwed,
            refusals.FulfillmentNotCovered,
            PaymentInProgress,
        ),
        body=FulfillmentRequest,
        example={"lines": [{"sku": "MUG-BLUE", "quantity": 1}]},
        prefix="ord",
        is_idempotent=True,
        changes_one=True,
    ),
    (fulfillments.OneFulfillment, "GET"): Operation(
        "get_fulfillment",
        "Read a shipment",
        {200: Answer("The shipment now.", FULFILLMENT_SHAPE)},
        prefix="ful",
        reads_one=True,
    ),
    (fulfillments.OneFulfillment, "PATCH"): Operation(
        "change_fulfillment",
        "Say what became of a shipment",
        {200: Answer("The shipment now.", FULFILLMENT_SHAPE)},
        problems=(
            refusals.OrderNotFulfillable,
            refusals.FulfillmentNotCovered,
            refusals.FulfillmentStateConflict,
            PaymentInProgress,
        ),
        body=FulfillmentChange,
        example={"status": "shipped", "carrier": "DHL", "tracking_number": "JD014600"},
        prefix="ful",
        reads_one=True,
        changes_one=True,
    ),
    (inventory.InventoryItem, "GET"): Operation(
        "get_inventory_item",
        "Read a shelf",
        {200: Answer("What lies there, what is promised, what may be sold.", SHELF)},
        reads_one=True,
    ),
    (inventory.InventoryAdjustments, "POST"): Operation(
        "adjust_inventory",
        "Change a shelf by hand",
        {201: Answer("Changed; `on_hand` is how many lie there now.", ADJUSTMENT)},
        problems=(refusals.StockBelowReserved,),
        body=AdjustmentRequest,
        example={"delta": -2, "reason": "broken"},
        is_idempotent=True,
        changes_one=True,
    ),
}
