"""Mails that nobody is at work on, found in the rows; and mails that a person wants sent again.

Chains tell quickly. What a lost message or a killed worker left is found here, each by an index
that is empty when there is nothing to do.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from foundation import audit, clock
from foundation.errors import DomainError
from foundation.transactions import durable
from orders import letters, notifications
from orders.models import Notification, Order
from orders.refusals import MailObsolete, MailSentOften, MailStillWaiting
from payments.selectors import unannounced_refunds

_log = logging.getLogger(__name__)
VERSIONS_MAX: Final = 10  # of one mail, the first one included


@dataclass(frozen=True)
class Again:
    """Who sends a mail again, why, and the id that a repeat of the wish has too."""

    by: str
    reason: str
    operation_id: uuid.UUID


def send_due(*, limit: int) -> int:
    """Send up to `limit` mails of each kind that nobody is at work on; returns how many were sent.

    One that fails is put off by its row, and holds up no other.
    """
    give_up_at = time.monotonic() + settings.SWEEP_BUDGET_SECONDS
    sent = 0
    for deliver in _deliveries(limit):
        if time.monotonic() >= give_up_at:
            break
        try:
            sent += bool(deliver())
        except Exception:  # noqa: BLE001 - logged with its trace; the others go all the same
            _log.exception("a mail was not sent")
    return sent


def _deliveries(limit: int) -> Iterator[Callable[[], bool]]:
    for notification_id in notifications.waiting(limit=limit):
        yield partial(notifications.send_waiting, notification_id)
    for refund in unannounced_refunds()[:limit]:
        yield partial(notifications.tell_of_refund, refund.pk)
    for order in _untold_stops()[:limit]:
        yield partial(notifications.notify, order.pk, template=letters.PAYMENT_REQUIRED,
                      number=order.stops)  # fmt: skip


def _untold_stops() -> QuerySet[Any]:
    """Orders that wait for money and whose last stop was never written down as a mail."""
    stops = notifications.stops_of(OuterRef("pk")).order_by().values("aggregate_id")
    counted = Coalesce(Subquery(stops.annotate(count=Count("pk")).values("count")), 0)
    told = Notification.objects.filter(
        order=OuterRef("pk"), template=letters.PAYMENT_REQUIRED, number=OuterRef("stops")
    )
    stopped = Order.objects.filter(state="payment_required").annotate(stops=counted)
    return stopped.filter(~Exists(told))


def untold() -> QuerySet[Notification]:
    """Mails that were not sent though they should be, and that no later version stands in for."""
    same = {name: OuterRef(name) for name in ("order", "template", "number")}
    later = Notification.objects.filter(**same, version__gt=OuterRef("version"))
    is_same = Q(refund=OuterRef("refund")) | Q(refund=None)
    unsent = Notification.objects.filter(sent_at=None, obsolete_at=None)
    return unsent.filter(~Exists(later.filter(is_same)))


def send_unsent(order_id: uuid.UUID) -> None:
    """Try every message of an order that was not sent, with all its tries. Raises `OSError`.

    What somebody is sending at this moment is left alone.
    """
    is_idle = Q(given_up_at__isnull=False) | Q(leased_until__lte=clock.now())
    ids = list(untold().filter(is_idle, order_id=order_id).values_list("pk", flat=True))
    rows = Notification.objects.filter(is_idle, pk__in=ids, sent_at=None)
    rows.update(attempts=0, given_up_at=None, leased_until=clock.now())
    notifications.each([partial(notifications.send_waiting, row_id) for row_id in ids])


def why_not_again(notification: Notification) -> DomainError | None:
    """Why the last version of a mail can not be sent again now; None when it can."""
    if notification.state == "pending":
        return MailStillWaiting("It was not sent yet; that is still being tried.")
    if notification.version >= VERSIONS_MAX:
        return MailSentOften(f"It was sent {VERSIONS_MAX} times: reach the customer another way.")
    if not notifications.is_true(notification.order, notifications.topic_of(notification)):
        return MailObsolete(f"The order is {notification.order.state.replace('_', ' ')}.")
    return None


def last_versions(order: Order) -> list[Notification]:
    """The newest version of every mail of an order, in the order they were first written."""
    newest = {
        notifications.topic_of(row): row
        for row in order.notifications.select_related("order").order_by("version", "created_at")
    }
    return list(newest.values())


def resend(notification_id: uuid.UUID, again: Again) -> Notification:
    """Send a mail again as its next version, on record; a repeat of the same wish is a no-op.

    Written anew from the rows as they are now, to the address of the order. Raises
    `MailStillWaiting`, `MailSentOften`, `MailObsolete`, and what the mail server raises: then the
    sweep of mails tries it again.
    """
    with durable():
        made, is_new = _next_version(notification_id, again)
    if is_new:
        notifications.deliver(notifications.WHOLE_ORDER.get(pk=made.order_id), made)
    made.refresh_from_db()
    return made


def _next_version(notification_id: uuid.UUID, again: Again) -> tuple[Notification, bool]:
    """Under the order's lock: of two who want it at once, the second finds it being sent."""
    chosen = Notification.objects.get(pk=notification_id)
    Order.objects.select_for_update(no_key=True).get(pk=chosen.order_id)
    if known := Notification.objects.filter(pk=again.operation_id).first():
        return known, False
    same = Notification.objects.filter(
        order=chosen.order_id, template=chosen.template, number=chosen.number, refund=chosen.refund
    )
    last = same.select_related("order").latest("version")
    if refusal := why_not_again(last):
        raise refusal
    return _written_again(last, again), True


def _written_again(last: Notification, again: Again) -> Notification:
    made = Notification.objects.create(
        id=again.operation_id,
        order=last.order,
        template=last.template,
        number=last.number,
        refund_id=last.refund_id,
        version=last.version + 1,
        recipient=last.order.email,
        actor=again.by,
        reason=again.reason,
        leased_until=notifications.lease(),
    )
    told = {"template": last.template, "number": last.number, "to": made.recipient}
    audit.record(
        actor=again.by,
        action="order.resend_mail",
        aggregate="order",
        aggregate_id=last.order_id,
        reason=again.reason,
        before=told | {"version": last.version, "to": last.recipient},
        after=told | {"version": made.version},
    )
    return made
