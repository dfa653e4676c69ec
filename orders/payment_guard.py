"""What nobody outside may do to a payment that a checkout or an order is at work on.

Payments ask this before a client or a person captures or releases (`PAYMENT_OWNER`, with the
event routes). It takes the lock of the order, or of the checkout while there is none, and keeps
it to the end of the caller's transaction: so a cancellation begins before the claim, and is seen,
or after it.
"""

import uuid
from typing import Final

from django.db.models import Sum

from orders.fulfillment import cover
from orders.models import Checkout, Order
from orders.refusals import OrderCanceling, PaymentInCheckout, ShippedGoodsUnpaid
from payments.models import Payment

_ENDED: Final = ("completed", "failed", "expired", "compensated")


def refuse_unless_free(payment_id: uuid.UUID, *, deed: str) -> None:
    """`deed`: capture or void. In the caller's transaction, which has not locked the payment.

    Raises `PaymentInCheckout`, `OrderCanceling` and, for a void, `ShippedGoodsUnpaid`.
    """
    # A hold made in place of another has its checkout too, before its order follows.
    checkout_id = Payment.objects.values_list("stream", flat=True).get(pk=payment_id)
    order = _locked_order(checkout_id)
    if order is None:
        _refuse_while_at_work(checkout_id)
        order = _locked_order(checkout_id)  # it may have been placed while we waited
    if order is None:
        return
    if order.state == "canceling":
        raise OrderCanceling("Its money is released or given back.", order=order.reference)
    if deed == "void":
        refuse_if_shipped_unpaid(order)


def _locked_order(checkout_id: uuid.UUID) -> Order | None:
    return Order.objects.select_for_update(no_key=True).filter(checkout_id=checkout_id).first()


def _refuse_while_at_work(checkout_id: uuid.UUID) -> None:
    """The lock waits for whoever is placing the order right now."""
    found = Checkout.objects.select_for_update(no_key=True).filter(pk=checkout_id).first()
    if found is None or found.state in _ENDED:
        return
    raise PaymentInCheckout(
        f"The checkout that asked for this hold is {found.state}; confirm or cancel the checkout.",
        checkout=found.reference,
        checkout_status=found.state,
    )


def refuse_if_shipped_unpaid(order: Order) -> None:
    """What is gone must be paid: the hold is the last that there is to take it from.

    What was taken counts although it was given back since. By us: on purpose, it was paid. By the
    bank: it decides about that money, and to take it again would be to charge twice.

    Under the order's lock. Raises `ShippedGoodsUnpaid`.
    """
    shipped = cover.worth_of_shipped(order)
    payments = Payment.objects.filter(stream=order.checkout_id)
    captured = payments.aggregate(amount=Sum("captured_amount"))["amount"] or 0
    if shipped > captured:
        raise ShippedGoodsUnpaid(
            "Goods of its order were shipped that are not paid yet; capture what they come to.",
            order=order.reference,
            unpaid={"amount": shipped - captured, "currency": order.currency},
        )
