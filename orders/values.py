"""What a part of an order is worth: exact to the minor unit, and all parts add up to the total.

The units of a line share what the line came to, tax included, by largest remainder: the first
`total % quantity` units carry one minor unit more. Shipping, with its tax, goes with the first
shipment.
"""

import uuid
from collections.abc import Iterable, Mapping

from orders.models import Order, OrderLine


def of_shipped(order: Order, lines: Iterable[OrderLine], shipped: Mapping[uuid.UUID, int]) -> int:
    """Minor units of the order's currency that `shipped` (order line → units so far) comes to."""
    lines = list(lines)
    goods = sum(of_units(line, shipped.get(line.pk, 0)) for line in lines)
    return goods + (_shipping(order, lines) if any(shipped.values()) else 0)


def is_all(lines: Iterable[OrderLine], shipped: Mapping[uuid.UUID, int]) -> bool:
    """Whether `shipped` (order line → units so far) is every unit of every line."""
    return all(shipped.get(line.pk) == line.quantity for line in lines)


def of_units(line: OrderLine, units: int) -> int:
    """What the first `units` of a line come to, tax included."""
    each, rest = divmod(line.net_amount + line.tax_amount, line.quantity)
    return each * units + min(units, rest)


def _shipping(order: Order, lines: Iterable[OrderLine]) -> int:
    tax_of_shipping = order.tax_amount - sum(line.tax_amount for line in lines)
    return order.shipping_amount + tax_of_shipping
