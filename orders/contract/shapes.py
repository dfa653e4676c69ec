"""How checkouts, orders, shipments and shelves look in the document of the API."""

from typing import Final

from attribution.contract import CONSENT, JOURNEY
from foundation.edge.contract import (
    MONEY,
    NOTHING,
    boolean,
    choice,
    integer,
    listed,
    mapping,
    moment,
    named,
    nullable,
    record,
    reference,
    states,
    text,
    worth,
)
from orders.models.order import Settlement
from orders.states import FULFILLMENT, ORDER
from payments.contract.shapes import ACTOR, PAYMENT_SHAPE, STATUS

CHECKOUT_STATUS: Final = choice(
    "completed", "processing", "requires_action", "in_review", "failed", "expired"
)
ORDER_STATUS: Final = choice(*states("placed", ORDER.states))

ADDRESS: Final = named(
    "Address",
    record(
        name=text("Ada Lovelace"),
        line1=text("1 Main St"),
        line2=text(""),
        city=text("Portland"),
        region=text("OR"),
        postal_code=text("97201"),
        country=text("US"),
        phone=text(""),
    ),
)
LINE: Final = named(
    "OrderLine",
    record(
        sku=text("MUG-BLUE"),
        title=text("Stoneware mug, blue, 350 ml"),
        quantity=integer(2, least=1),
        unit_price=worth(1999),
        net=worth(3998),
        tax=NOTHING,
        tax_rate_ppm=integer(0),
        tax_jurisdiction=text("Oregon (no state sales tax)"),
        tax_inclusive=boolean(example=False),
    ),
)
CANCELLATION: Final = named(
    "Cancellation",
    record(
        status=choice("completed", "processing"),
        payment_action=nullable(choice("voided", "refunded", "void_and_refund", "none")),
        requested_at=moment(),
        completed_at=nullable(moment()),
    ),
)
_ORDER: Final = {
    "id": reference("ord"),
    "number": text("R1000001"),
    "status": ORDER_STATUS,
    "payment_status": STATUS,
    "fulfillment_status": choice("unfulfilled", "partial", "fulfilled"),
    "checkout": reference("chk"),
    "payment": reference("pay"),
    "cart_id": text("cart_8731"),
    "customer": record(reference=text("cus_42"), email=text("a@example.com")),
    "lines": listed(LINE),
    "subtotal": worth(3998),
    "tax": NOTHING,
    "shipping": worth(300),
    "total": MONEY,
    "shipping_method": text("standard"),
    "shipping_address": ADDRESS,
    "billing_address": {**nullable(ADDRESS), "example": None},
    "metadata": mapping(text("web"), {"channel": "web"}),
    "settlement": record(policy=choice(*Settlement.values), not_before=nullable(moment())),
    "cancellation": {**nullable(CANCELLATION), "example": None},
    "placed_at": moment(),
}
ORDER_SHAPE: Final = named("Order", record(**_ORDER))
ATTRIBUTION: Final = named(
    "Attribution",
    record(
        source=text("newsletter"),
        medium=text("email"),
        campaign=text("spring"),
        referrer_host=text("news.example.com"),
        landing_page=text("shop.example.com/mugs"),
        click_ids=mapping(text("Cj0KCQ")),
        session_id=text("s_1"),
        client_id=text("123.456"),
        consent=CONSENT,
    ),
)
ORDER_WITH_ATTRIBUTION: Final = named(
    "OrderWithAttribution", record(**_ORDER, attribution=ATTRIBUTION)
)
ORDER_JOURNEY: Final = named("OrderJourney", record(order=reference("ord"), **JOURNEY))
NEXT_ACTION: Final = {
    "type": "object",
    "description": "Where the shopper must go, as the processor says it.",
    "example": {
        "type": "redirect_to_url",
        "redirect_to_url": {"url": "https://bank.example.com/3ds"},
    },
}
CHECKOUT_SHAPE: Final = named(
    "Checkout",
    record(
        ("order", "payment", "next_action", "refusal"),
        id=reference("chk"),
        status=CHECKOUT_STATUS,
        cart_id=text("cart_8731"),
        total=MONEY,
        created_at=moment(),
        order=ORDER_SHAPE,
        payment=PAYMENT_SHAPE,
        next_action=nullable(NEXT_ACTION),
        refusal=record(code=text("out_of_stock"), detail=text("Not enough in stock")),
    ),
)
ENTRY: Final = named(
    "TimelineEntry",
    record(
        ("actor", "amount", "currency", "state"),
        at=text("2026-11-24T15:00:07.511902Z"),
        kind=choice("state", "step", "processor", "event", "notification"),
        what=text("checkout: authorizing → completed"),
        actor=ACTOR,
        amount=integer(4298),
        currency=text("USD"),
        state=text("sent"),
    ),
)
FULFILLMENT_SHAPE: Final = named(
    "Fulfillment",
    record(
        id=reference("ful"),
        order=reference("ord"),
        status=choice(*states("pending", FULFILLMENT.states)),
        automatic=boolean(example=False),
        lines=listed(record(sku=text("MUG-BLUE"), quantity=integer(1, least=1))),
        carrier=nullable(text("DHL")),
        tracking_number=nullable(text("JD014600")),
        created_at=moment(),
        shipped_at=nullable(moment()),
        delivered_at=nullable(moment()),
    ),
)
SHELF: Final = named(
    "InventoryItem",
    record(
        sku=text("MUG-BLUE"),
        on_hand=integer(120),
        reserved=integer(2),
        available=integer(118, least=None),
    ),
)
ADJUSTMENT: Final = named(
    "StockAdjustment",
    record(
        id=reference("adj"),
        sku=text("MUG-BLUE"),
        delta=integer(-2, least=None),
        on_hand=integer(118),
        reason=text("broken"),
        created_at=moment(),
    ),
)
