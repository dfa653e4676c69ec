"""What the customer is told: once per order and template, after the commit, by real e-mail."""

import datetime as dt
import logging
import uuid

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
PLACED = "order_placed"
GIVEN_UP = "mail_given_up"


def notify(order_id: uuid.UUID, *, template: str) -> bool:
    """Send one template for one order, unless it was sent; returns whether it was sent now.

    The claim is a unique row. A worker that dies while sending leaves a lease; after it the
    mail goes out again under the same Message-ID, so that a mailbox can tell it is the same.
    """
    order = Order.objects.prefetch_related("lines").get(pk=order_id)
    notification = _claim(order, template)
    if notification is None:
        return False
    _send(order, notification)
    Notification.objects.filter(pk=notification.pk, sent_at__isnull=True).update(
        sent_at=clock.now()
    )
    return True


def _claim(order: Order, template: str) -> Notification | None:
    lease = from_now(settings.NOTIFICATION_LEASE_SECONDS)
    try:
        with transaction.atomic():
            return Notification.objects.create(
                order=order, template=template, recipient=order.email, leased_until=lease
            )
    except IntegrityError:
        return _claim_abandoned(order, template, lease)


def _claim_abandoned(order: Order, template: str, lease: dt.datetime) -> Notification | None:
    with durable():
        found = (
            Notification.objects.select_for_update(no_key=True, skip_locked=True)
            .filter(
                order=order,
                template=template,
                sent_at__isnull=True,
                leased_until__lte=clock.now(),
                attempts__lt=settings.NOTIFICATION_TRIES_MAX,
            )
            .first()
        )
        if found is not None:
            found.attempts, found.leased_until = found.attempts + 1, lease
            found.save(update_fields=["attempts", "leased_until"])
        elif _given_up(order).filter(template=template).exists():
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


def is_told_or_given_up(order: Order, *, template: str) -> bool:
    """Whether this message needs no further try by itself."""
    told = order.notifications.filter(template=template, sent_at__isnull=False)
    return told.exists() or _given_up(order).filter(template=template).exists()


def send_unsent(order_id: uuid.UUID) -> None:
    """Try every message of an order that was not sent, with all its tries. Raises `OSError`.

    What somebody is sending at this moment is left alone.
    """
    order = Order.objects.get(pk=order_id)
    waiting = order.notifications.filter(sent_at=None, leased_until__lte=clock.now())
    waiting.update(attempts=0)
    for template in waiting.values_list("template", flat=True):
        notify(order_id, template=template)


def _send(order: Order, notification: Notification) -> None:
    refuse_inside_transaction()
    context = {"order": order, "lines": order.lines.all()}
    subject = render_to_string(f"orders/mail/{notification.template}.subject.txt", context)
    body = render_to_string(f"orders/mail/{notification.template}.txt", context)
    message_id = f"<{notification.template}.{order.reference}@{settings.MAIL_DOMAIN}>"
    EmailMessage(
        subject=" ".join(subject.split()),
        body=body,
        to=[notification.recipient],
        headers={"Message-ID": message_id},
    ).send()
    _log.info("notified %s of %s", order.reference, notification.template)
