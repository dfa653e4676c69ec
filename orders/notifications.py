"""What the customer is told: once per order and template, after the commit, by real e-mail."""

import datetime as dt
import logging
import uuid
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string

from foundation import cases, clock
from foundation.cases import Subject
from foundation.idempotency import from_now
from foundation.transactions import durable, refuse_inside_transaction
from orders.models import Notification, Order

_log = logging.getLogger(__name__)
PLACED: Final = "order_placed"
SHIPPED: Final = "fulfillment_shipped"
CANCELED: Final = "order_canceled"
GIVEN_UP: Final = "mail_given_up"


def notify(order_id: uuid.UUID, *, template: str, number: int = 0) -> bool:
    """Send one template for one order, unless it was sent; returns whether it was sent now.

    `number` is the sequence of the shipment that it tells of, or 0.

    The claim is a unique row. A worker that dies while sending leaves a lease; after it the
    mail goes out again under the same Message-ID, so that a mailbox can tell it is the same.
    """
    order = Order.objects.prefetch_related("lines").get(pk=order_id)
    notification = _claim(order, template, number)
    if notification is None:
        return False
    _send(order, notification)
    # fenced by the try: who was overtaken while sending leaves the row to the other
    held = Notification.objects.filter(pk=notification.pk, attempts=notification.attempts)
    held.filter(sent_at__isnull=True).update(sent_at=clock.now())
    return True


def due(order: Order) -> list[tuple[str, int]]:
    """What the customer should have been told by now: (template, number of the shipment)."""
    if order.state == "canceled":
        return [(CANCELED, 0)]
    if order.state not in ("fulfilling", "completed"):
        return []
    sent = order.fulfillments.filter(state__in=("shipped", "delivered")).order_by("sequence")
    numbers = sent.values_list("sequence", flat=True)
    return [(PLACED, 0), *((SHIPPED, number) for number in numbers)]


def is_told(order: Order) -> bool:
    """Whether everything that is due was sent, or given up and so is on a person's desk."""
    sent = order.notifications.filter(sent_at__isnull=False)
    ended = [*sent.values_list("template", "number")]
    ended += _given_up(order).values_list("template", "number")
    return set(due(order)) <= set(ended)


def _claim(order: Order, template: str, number: int) -> Notification | None:
    lease = from_now(settings.NOTIFICATION_LEASE_SECONDS)
    try:
        with transaction.atomic():
            return Notification.objects.create(
                order=order,
                template=template,
                number=number,
                recipient=order.email,
                leased_until=lease,
            )
    except IntegrityError:
        return _claim_abandoned(order, template, number, lease)


def _claim_abandoned(
    order: Order, template: str, number: int, lease: dt.datetime
) -> Notification | None:
    with durable():
        found = (
            Notification.objects.select_for_update(no_key=True, skip_locked=True)
            .filter(
                order=order,
                template=template,
                number=number,
                sent_at__isnull=True,
                leased_until__lte=clock.now(),
                attempts__lt=settings.NOTIFICATION_TRIES_MAX,
            )
            .first()
        )
        if found is not None:
            found.attempts, found.leased_until = found.attempts + 1, lease
            found.save(update_fields=["attempts", "leased_until"])
        elif _given_up(order).filter(template=template, number=number).exists():
            _tell_given_up(order, template)
    return found


def _given_up(order: Order) -> QuerySet[Notification]:
    """Every try failed, or took its worker with it: they are counted before they are made."""
    return order.notifications.filter(
        sent_at__isnull=True,
        attempts__gte=settings.NOTIFICATION_TRIES_MAX,
        leased_until__lte=clock.now(),
    )


def _tell_given_up(order: Order, template: str) -> None:
    cases.open_once(
        GIVEN_UP,
        about=Subject("order", order.pk),
        title=f"The customer of {order.reference} does not hear of it",
        detail=f"The message {template} to {order.email} was tried in vain.",
    )


def send_unsent(order_id: uuid.UUID) -> None:
    """Try every message of an order that was not sent, with all its tries. Raises `OSError`.

    What somebody is sending at this moment is left alone.
    """
    order = Order.objects.get(pk=order_id)
    waiting = order.notifications.filter(sent_at=None, leased_until__lte=clock.now())
    waiting.update(attempts=0)
    for template, number in waiting.values_list("template", "number"):
        notify(order_id, template=template, number=number)


def _send(order: Order, notification: Notification) -> None:
    refuse_inside_transaction()
    context = {"order": order, "lines": order.lines.all()} | _about(order, notification)
    subject = render_to_string(f"orders/mail/{notification.template}.subject.txt", context)
    body = render_to_string(f"orders/mail/{notification.template}.txt", context)
    name = ".".join(filter(None, (notification.template, str(notification.number or ""))))
    message_id = f"<{name}.{order.reference}@{settings.MAIL_DOMAIN}>"
    EmailMessage(
        subject=" ".join(subject.split()),
        body=body,
        to=[notification.recipient],
        headers={"Message-ID": message_id},
    ).send()
    _log.info("notified %s of %s", order.reference, notification.template)


def _about(order: Order, notification: Notification) -> dict[str, Any]:
    if notification.template == SHIPPED:
        shipment = order.fulfillments.get(sequence=notification.number)
        parts = shipment.lines.select_related("order_line").order_by("order_line__position")
        return {"fulfillment": shipment, "parts": parts}
    if notification.template == CANCELED:
        return {"cancellation": getattr(order, "cancellation", None)}
    return {}
