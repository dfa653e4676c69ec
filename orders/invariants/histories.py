"""G-2: every checkout, order and fulfillment moved only as its table allows."""

from typing import ClassVar

from foundation.invariants import MovesFormAPath, register
from orders.models import Checkout, Fulfillment, Order
from orders.states import CHECKOUT, FULFILLMENT, ORDER


@register
class CheckoutMovesFormAPath(MovesFormAPath):
    """G-2 for checkouts."""

    name = "checkout_moves_form_a_path"
    rule = "A checkout's moves are legal, follow one another, and end where it stands."
    table: ClassVar = CHECKOUT
    db_table: ClassVar = Checkout._meta.db_table  # noqa: SLF001 - Django's public meta API


@register
class OrderMovesFormAPath(MovesFormAPath):
    """G-2 for orders."""

    name = "order_moves_form_a_path"
    rule = "An order's moves are legal, follow one another, and end where it stands."
    table: ClassVar = ORDER
    db_table: ClassVar = Order._meta.db_table  # noqa: SLF001 - as above


@register
class FulfillmentMovesFormAPath(MovesFormAPath):
    """G-2 for fulfillments."""

    name = "fulfillment_moves_form_a_path"
    rule = "A fulfillment's moves are legal, follow one another, and end where it stands."
    table: ClassVar = FULFILLMENT
    db_table: ClassVar = Fulfillment._meta.db_table  # noqa: SLF001 - as above
