"""What the customer is told: once per order and template, after the commit, by real e-mail."""

import datetime as dt
import logging
import uuid

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string

from foundation import clock
from foundation.idempotency import from_now
from foundation.transactions import durable, refuse_inside_transaction
from orders.models import Notification, Order

_log = logging.getLogger(__name__)
PLACED = "order_placed"


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
    return found


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
