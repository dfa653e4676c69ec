"""What the customer is told: once per order, template and subject, after the commit, by e-mail.

A mail is a row before it is sent. The row is claimed by lease; who dies while sending leaves it to
the next, who sends under the same Message-ID. What fails waits, each time four times as long, and
after `NOTIFICATION_TRIES_MAX` tries it is a case and holds up nothing. One that is not true any
more when its turn comes is not sent.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from foundation import cases, clock
from foundation.backoff import doubling
from foundation.cases import Subject
from foundation.idempotency import from_now
from foundation.models import Transition
from foundation.transactions import durable, refuse_inside_transaction
from orders import letters
from orders.letters import PLACED as PLACED
from orders.letters import Topic
from orders.models import Notification, Order
from payments.models import Refund
from payments.services import refund_outcome

_log = logging.getLogger(__name__)
GIVEN_UP: Final = "mail_given_up"
_PAUSE_SECONDS_MAX: Final = 3600.0
WHOLE_ORDER: Final = Order.objects.select_related("payment").prefetch_related("lines")


def notify(order_id: uuid.UUID, *, template: str, number: int = 0) -> bool:
    """Send one template for one order, unless it was sent; returns whether it was sent now.

    `number` says of which shipment or stop it tells, or 0. Raises what the mail server raises.
    """
    return tell(WHOLE_ORDER.get(pk=order_id), Topic(template, number))


def tell(order: Order, topic: Topic) -> bool:
    """Send the mail of this topic, unless it was sent or somebody is at it."""
    notification = _claim(order, topic)
    return notification is not None and deliver(order, notification)


def tell_of_refund(refund_id: uuid.UUID) -> bool:
    """Tell whoever bought of a refund that succeeded; nobody, when it belongs to no order.

    Once the mail is a row, the sweep of mails finishes what is dropped here.
    """
    refund = Refund.objects.select_related("payment").get(pk=refund_id)
    if refund.state != "succeeded" or refund.announced_at is not None:
        return False
    order = WHOLE_ORDER.filter(checkout_id=refund.payment.stream).first()
    topic = Topic(letters.REFUNDED, refund.sequence, refund.pk)
    claimed = _claim(order, topic) if order is not None else None
    refund_outcome.announced(refund.pk)
    return order is not None and claimed is not None and deliver(order, claimed)


def tell_each(order: Order, topics: Iterable[Topic]) -> None:
    """Send what was not sent. One that fails holds up no other; the first failure is raised."""
    each([partial(tell, order, topic) for topic in topics])


def each(deliveries: Iterable[Callable[[], object]]) -> None:
    """Make every one of them, and raise the first failure at the end."""
    first: Exception | None = None
    for deliver in deliveries:
        try:
            deliver()
        except Exception as error:  # noqa: BLE001 - raised below; it must not hold up the others
            first = first or error
    if first is not None:
        raise first


def due(order: Order) -> list[Topic]:
    """What the customer should have been told by now of the order itself.

    A refund is told of from its own row, whatever became of the order.
    """
    if order.state == "canceled":
        return [Topic(letters.CANCELED)]
    if order.state == "payment_required":
        return [Topic(letters.PAYMENT_REQUIRED, stops(order))]
    if order.state not in ("fulfilling", "completed"):
        return []
    sent = order.fulfillments.filter(state__in=("shipped", "delivered")).order_by("sequence")
    numbers = sent.values_list("sequence", flat=True)
    return [Topic(PLACED), *(Topic(letters.SHIPPED, number) for number in numbers)]


def stops(order: Order) -> int:
    """How often it stopped for money so far: each time is told of."""
    return stops_of(order.pk).count()


def stops_of(order_id: Any) -> QuerySet[Transition]:
    """The moves that stopped an order for money; for an id, or a reference to one in a query."""
    return Transition.objects.filter(aggregate_id=order_id, to_state="payment_required")


def is_told(order: Order) -> bool:
    """Whether everything that is due was sent, or given up and so is on a person's desk."""
    ended = order.notifications.filter(Q(sent_at__isnull=False) | Q(given_up_at__isnull=False))
    rows = ended.values_list("template", "number")
    return {(topic.template, topic.number) for topic in due(order)} <= set(rows)


def is_true(order: Order, topic: Topic) -> bool:
    """Whether the mail still says what is so: orders and refunds go on while a mail waits."""
    if topic.template == PLACED:
        return order.state not in ("canceling", "canceled")
    if topic.template == letters.PAYMENT_REQUIRED:
        return order.state == "payment_required" and topic.number == stops(order)
    if topic.refund_id is not None:
        return Refund.objects.filter(pk=topic.refund_id, state="succeeded").exists()
    return True


def _claim(order: Order, topic: Topic) -> Notification | None:
    """The first version of a mail, written down or taken over; None when it is not ours to send."""
    try:
        with transaction.atomic():
            return Notification.objects.create(
                order=order,
                template=topic.template,
                number=topic.number,
                refund_id=topic.refund_id,
                recipient=order.email,
                leased_until=lease(),
            )
    except IntegrityError:
        same = Q(template=topic.template, number=topic.number, refund_id=topic.refund_id)
        return _take_over(same, Q(order=order, version=1))


def lease() -> dt.datetime:
    return from_now(settings.NOTIFICATION_LEASE_SECONDS)


def _take_over(*which: Q) -> Notification | None:
    """A mail that waits and that nobody is at, the try counted before it is made."""
    with durable():
        found = _waiting().select_for_update(no_key=True, skip_locked=True).filter(*which).first()
        if found is None:
            return None
        if found.attempts >= settings.NOTIFICATION_TRIES_MAX:  # the last try took its worker along
            _give_up(found)
            return None
        found.attempts, found.leased_until = found.attempts + 1, lease()
        found.save(update_fields=["attempts", "leased_until"])
    return found


def _waiting() -> QuerySet[Notification]:
    return _open().filter(leased_until__lte=clock.now())


def _open() -> QuerySet[Notification]:
    return Notification.objects.filter(sent_at=None, given_up_at=None, obsolete_at=None)


def deliver(order: Order, notification: Notification) -> bool:
    """Send a claimed mail and mark it. Raises what the mail server raises, once it is put off."""
    if not is_true(order, topic_of(notification)):
        _held(notification).update(obsolete_at=clock.now())
        return False
    try:
        _send(order, notification)
    except Exception as error:
        _put_off(notification, f"{type(error).__name__}: {error}"[:200])
        raise
    _held(notification).update(sent_at=clock.now(), last_error="")
    return True


def _held(notification: Notification) -> QuerySet[Notification]:
    """Fenced by the try: who was overtaken while sending leaves the row to the other."""
    return _open().filter(pk=notification.pk, attempts=notification.attempts)


def _put_off(notification: Notification, error: str) -> None:
    """Tried again later, each time four times as much later; or given up."""
    pause = doubling(
        settings.NOTIFICATION_LEASE_SECONDS,
        times=2 * (notification.attempts - 1),
        most=_PAUSE_SECONDS_MAX,
    )
    with durable():
        is_ours = _held(notification).update(leased_until=from_now(pause), last_error=error)
        if is_ours and notification.attempts >= settings.NOTIFICATION_TRIES_MAX:
            notification.last_error = error
            _give_up(notification)


def _give_up(notification: Notification) -> None:
    """In the caller's transaction: a person's case from now on, and no sweep's any more."""
    _held(notification).update(given_up_at=clock.now())
    order, template = notification.order, notification.template.replace("_", " ")
    cases.open_once(
        GIVEN_UP,
        about=Subject("order", order.pk),
        title=f"The customer of {order.reference} does not hear of it",
        detail=f"The message {template} to {notification.recipient} was tried in vain."
        f" {notification.last_error}".rstrip(),
    )


def send_waiting(notification_id: uuid.UUID) -> bool:
    """Send one mail that waits, whichever version it is, unless somebody is at it."""
    claimed = _take_over(Q(pk=notification_id))
    return claimed is not None and deliver(WHOLE_ORDER.get(pk=claimed.order_id), claimed)


def waiting(*, limit: int) -> list[uuid.UUID]:
    """Mails whose try failed or took its worker along, those that wait longest first."""
    return list(_waiting().order_by("leased_until").values_list("pk", flat=True)[:limit])


def topic_of(notification: Notification) -> Topic:
    """What a stored mail tells of."""
    return Topic(notification.template, notification.number, notification.refund_id)


def _send(order: Order, notification: Notification) -> None:
    refuse_inside_transaction()
    topic = topic_of(notification)
    letter = letters.write(order, topic)
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        to=[notification.recipient],
        reply_to=[settings.MAIL_REPLY_TO] if settings.MAIL_REPLY_TO else None,
        headers={
            "Message-ID": letters.message_id(order, topic, notification.version),
            "Auto-Submitted": "auto-generated",  # RFC 3834: no answer from a machine, please
        },
    )
    message.attach_alternative(letter.html, "text/html")
    message.send()
    _log.info("notified %s of %s", order.reference, notification.template)
