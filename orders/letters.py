"""What a mail to a shopper says, in text and HTML; written from the rows as they are now.

Nothing is sent from here and nothing is stored: the same words are mailed and shown to staff.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.template.loader import render_to_string

from foundation.ids import public
from orders.models import Cancellation, Fulfillment, FulfillmentLine, Order
from payments.models import Refund

PLACED: Final = "order_placed"
SHIPPED: Final = "fulfillment_shipped"
REFUNDED: Final = "refund_succeeded"
PAYMENT_REQUIRED: Final = "payment_required"
CANCELED: Final = "order_canceled"
TEMPLATES: Final = (PLACED, SHIPPED, REFUNDED, PAYMENT_REQUIRED, CANCELED)
_ADDRESS: Final = ("name", "line1", "line2", "city", "region", "postal_code", "country")
_SUBJECT_MAX: Final = 150


@dataclass(frozen=True)
class Topic:
    """What one mail tells of: its template, and which shipment, refund or stop of the order."""

    template: str
    number: int = 0
    refund_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Letter:
    """One mail, ready to be sent or shown."""

    subject: str
    text: str
    html: str


def write(order: Order, topic: Topic) -> Letter:
    """The mail of this topic. Raises `DoesNotExist` for a shipment or refund that is not there."""
    return _rendered(order, topic.template, _about(order, topic))


def example(order: Order, template: str) -> Letter:
    """What the mail would say of this order if it were due now, for one that is not yet."""
    about = _TO_COME.get(template, _nothing_more)
    return _rendered(order, template, _of_the_order(order, template) | about(order))


def message_id(order: Order, topic: Topic, version: int) -> str:
    """The same for every try of one mail, so that a mailbox can tell that it is the same."""
    which = public("rfd", topic.refund_id) if topic.refund_id else str(topic.number or "")
    again = f"v{version}" if version > 1 else ""
    name = ".".join(filter(None, (topic.template, which, again)))
    return f"<{name}.{order.reference}@{settings.MAIL_DOMAIN}>"


def _rendered(order: Order, template: str, about: Mapping[str, Any]) -> Letter:
    context = _common(order) | dict(about)
    subject = render_to_string(f"orders/mail/{template}.subject.txt", context)
    context["subject"] = " ".join(subject.split())[:_SUBJECT_MAX]  # of one line, whatever it names
    return Letter(
        subject=context["subject"],
        text=render_to_string(f"orders/mail/{template}.txt", context).strip() + "\n",
        html=render_to_string(f"orders/mail/{template}.html", context),
    )


def _common(order: Order) -> dict[str, Any]:
    address = order.shipping_address
    return {
        "order": order,
        "lines": order.lines.all(),
        "payment": order.payment,
        "address": [address[part] for part in _ADDRESS if address.get(part)],
        "shop": settings.MAIL_SHOP_NAME,
        "order_url": settings.MAIL_ORDER_URL.replace("{number}", order.public_number),
    }


def _about(order: Order, topic: Topic) -> dict[str, Any]:
    if topic.template == SHIPPED:
        return _shipment(order.fulfillments.get(sequence=topic.number))
    if topic.refund_id is not None:
        refund = Refund.objects.select_related("payment").get(pk=topic.refund_id)
        return {"refund": refund, "payment": refund.payment}
    return _of_the_order(order, topic.template)


def _of_the_order(order: Order, template: str) -> dict[str, Any]:
    if template == CANCELED:
        return {"cancellation": getattr(order, "cancellation", None)}
    if template == PAYMENT_REQUIRED:
        kept = order.payment.refundable
        return {"kept": kept, "missing": order.total_amount - kept}
    return {}


def _nothing_more(_: Order) -> dict[str, Any]:
    return {}


def _shipment(shipment: Fulfillment) -> dict[str, Any]:
    parts = shipment.lines.select_related("order_line").order_by("order_line__position")
    return {"fulfillment": shipment, "parts": parts}


def _shipment_to_come(order: Order) -> dict[str, Any]:
    """The next one, or all of the order when the warehouse owes nothing yet."""
    pending = order.fulfillments.filter(state="pending").order_by("sequence").first()
    if pending is not None:
        return _shipment(pending)
    return {"fulfillment": Fulfillment(order=order), "parts": _all_of(order)}


def _all_of(order: Order) -> Iterable[FulfillmentLine]:
    return [FulfillmentLine(order_line=line, quantity=line.quantity) for line in order.lines.all()]


def _refund_to_come(order: Order) -> dict[str, Any]:
    """Of all that can be given back, or else of the whole order."""
    amount = order.payment.refundable or order.total_amount
    return {"refund": Refund(amount=amount, currency=order.currency)}


def _cancellation_to_come(order: Order) -> dict[str, Any]:
    """What would become of the money if it were canceled now."""
    payment, action = order.payment, "voided"
    if payment.refundable or payment.refunded_amount:
        action = "void_and_refund" if payment.capturable else "refunded"
    known = getattr(order, "cancellation", None)
    return {"cancellation": known or Cancellation(order=order, payment_action=action)}


_TO_COME: Final[Mapping[str, Callable[[Order], dict[str, Any]]]] = {
    SHIPPED: _shipment_to_come,
    REFUNDED: _refund_to_come,
    CANCELED: _cancellation_to_come,
}
