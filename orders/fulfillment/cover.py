"""Whether the money for a shipment is there: nothing leaves the house that nobody can be paid for.

A hold that died is the most expensive surprise in this trade (goods gone, nothing to take), so
the payment's row is asked under its lock, in the transaction that ships.
"""

import uuid
from collections.abc import Mapping
from typing import Final

from foundation import clock
from foundation.money import Money
from orders import values
from orders.fulfillment import rows
from orders.models import Fulfillment, Order, Settlement
from orders.refusals import FulfillmentNotCovered
from payments.models import Payment
from payments.refusals import PaymentInProgress
from payments.states import HELD, IN_DOUBT

STILL_TAKEN: Final = ("captured", "partially_captured", "partially_refunded")


def refuse_unless_covered(order: Order, fulfillment: Fulfillment) -> None:
    """Raises `FulfillmentNotCovered` unless a live hold or a capture pays for what was shipped
    and for this shipment, `PaymentInProgress` while that is not known. Locks the payment, so that
    nobody lets go of the hold meanwhile."""
    payment = Payment.objects.select_for_update(no_key=True).get(pk=order.payment_id)
    refuse_while_in_doubt(payment)
    units = _with(rows.shipped_units(order), fulfillment)
    needed = values.of_shipped(order, order.lines.all(), units)
    covered = covered_amount(payment)
    if covered < needed:
        raise _not_covered(order, payment, needed=needed, covered=covered)
    if _would_need_another_capture(order, payment, units):
        raise FulfillmentNotCovered(
            "This payment can be captured once only, and the shop captures what ships. Ship the"
            " whole order in one fulfillment, or capture the whole payment first.",
            reason="single_capture",
            payment=payment.reference,
        )


def refuse_while_in_doubt(payment: Payment) -> None:
    """While it is taken or let go of nobody knows what it covers: in a moment somebody does.

    Raises `PaymentInProgress`.
    """
    if payment.state in IN_DOUBT:
        raise PaymentInProgress(payment)


def worth_of_shipped(order: Order) -> int:
    """What was shipped so far comes to, tax and shipping included. Minor units."""
    return values.of_shipped(order, order.lines.all(), rows.shipped_units(order))


def covered_amount(payment: Payment) -> int:
    """What can be counted on: taken, or held by a hold that lives. Minor units."""
    taken = taken_amount(payment)
    is_live = payment.capture_before is None or payment.capture_before > clock.now()
    if payment.state not in HELD or not is_live:
        return taken
    return payment.authorized_amount - payment.voided_amount


def taken_amount(payment: Payment) -> int:
    """What was taken of a payment that nobody took or gave back as a whole. Minor units."""
    return payment.captured_amount if payment.state in STILL_TAKEN else 0


def _would_need_another_capture(
    order: Order, payment: Payment, units: Mapping[uuid.UUID, int]
) -> bool:
    if order.settlement_policy != Settlement.ON_FULFILLMENT or payment.state != "authorized":
        return False
    is_last = values.is_all(order.lines.all(), units)
    return not is_last and not payment.is_multicapture


def _with(shipped: Mapping[uuid.UUID, int], fulfillment: Fulfillment) -> dict[uuid.UUID, int]:
    units = dict(shipped)
    for part in fulfillment.lines.all():
        units[part.order_line_id] = units.get(part.order_line_id, 0) + part.quantity
    return units


def _not_covered(
    order: Order, payment: Payment, *, needed: int, covered: int
) -> FulfillmentNotCovered:
    return FulfillmentNotCovered(
        f"The payment is {payment.state}: {Money(covered, order.currency)} can be counted on,"
        f" {Money(needed, order.currency)} would have been shipped.",
        reason="not_covered",
        payment=payment.reference,
        payment_status=payment.state,
        covered=Money(covered, order.currency).as_json(),
        needed=Money(needed, order.currency).as_json(),
    )
