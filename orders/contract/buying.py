"""Buying, and coming back to it, in the document of the API."""

from typing import Any, Final

from attribution import cleaning
from foundation.edge.contract import Answer, Operation, Operations, Shape, items
from foundation.edge.contract_fields import shape_of
from foundation.idempotency import InProgress
from orders import refusals, shipping, tax
from orders.contract.shapes import CHECKOUT_SHAPE, ENTRY
from orders.serializers.checkout_request import AttributionField, CheckoutRequest
from orders.serializers.order_requests import NothingRequest
from orders.views import checkouts, reading
from payments.refusals import ProcessorDown


@shape_of.register
def _(field: AttributionField) -> Shape:  # noqa: ARG001 - there is one
    known = {name: {"type": "string"} for name in sorted(cleaning.KNOWN - {"consent"})}
    told = "What is malformed is dropped, never refused."
    return {
        "type": "object",
        "description": told,
        "properties": {**known, "consent": {"type": "boolean"}},
    }


PURCHASE: Final[dict[str, Any]] = {
    "cart_id": "cart_8731",
    "customer": {"reference": "cus_42", "email": "a@example.com"},
    "currency": "USD",
    "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
    "shipping_method": "standard",
    "shipping_address": {
        "line1": "1 Main St",
        "city": "Portland",
        "region": "OR",
        "postal_code": "97201",
        "country": "US",
    },
    "payment_method": "pm_card_visa",
    "attribution": {"utm_source": "newsletter", "utm_medium": "email", "consent": True},
    "metadata": {"channel": "web"},
}
_ENDS: Final = (
    refusals.OutOfStock,
    refusals.PriceChanged,
    refusals.RiskDeclined,
    refusals.NoLongerSold,
    refusals.PaymentDeclined,
    refusals.CheckoutExpired,
    refusals.CheckoutCanceled,
)
_DOWN: Final = (refusals.TaxDown, ProcessorDown)
_LATER: Final = ("Location", "Retry-After")

OPERATIONS: Final[Operations] = {
    (checkouts.Checkouts, "POST"): Operation(
        "create_checkout",
        "Buy",
        {
            201: Answer("An order stands on a live hold.", CHECKOUT_SHAPE, ("Location",)),
            202: Answer(
                "`requires_action`, `in_review`, or `processing` while the outcome is not known.",
                CHECKOUT_SHAPE,
                _LATER,
            ),
        },
        problems=(
            *_ENDS,
            *_DOWN,
            refusals.CheckoutInProgress,
            refusals.CartAlreadyOrdered,
            tax.DestinationNotServed,
            shipping.ShippingMethodUnknown,
            shipping.ShippingNotAvailable,
        ),
        body=CheckoutRequest,
        example=PURCHASE,
        is_idempotent=True,
        description=(
            "Make the key when the shopper presses Pay, and keep it over every retry. Prices come "
            "from the catalog; `expected_total` is what the shopper was shown."
        ),
    ),
    (reading.OneCheckout, "GET"): Operation(
        "get_checkout",
        "Read a checkout",
        {200: Answer("The state now, whatever the first answer was.", CHECKOUT_SHAPE)},
        prefix="chk",
        reads_one=True,
    ),
    (reading.CheckoutTimeline, "GET"): Operation(
        "get_checkout_timeline",
        "Read what happened to a checkout",
        {200: Answer("Steps, processor calls, moves and events, oldest first.", items(ENTRY))},
        prefix="chk",
    ),
    (checkouts.CheckoutConfirmation, "POST"): Operation(
        "confirm_checkout",
        "Go on after the shopper's action",
        {
            200: Answer("The order stands.", CHECKOUT_SHAPE, ("Location",)),
            202: Answer("Others must act, or it is not known yet.", CHECKOUT_SHAPE, _LATER),
        },
        problems=(*_ENDS, *_DOWN, InProgress),
        body=NothingRequest,
        example={},
        prefix="chk",
        is_idempotent=True,
        changes_one=True,
    ),
    (checkouts.CheckoutCancellation, "POST"): Operation(
        "cancel_checkout",
        "Give a checkout up",
        {
            200: Answer("Nothing is held.", CHECKOUT_SHAPE),
            202: Answer("The processor is being asked.", CHECKOUT_SHAPE, _LATER),
        },
        problems=(refusals.CheckoutCompleted, *_DOWN),
        body=NothingRequest,
        example={},
        prefix="chk",
        is_idempotent=True,
        changes_one=True,
    ),
}
