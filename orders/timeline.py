"""What happened to a checkout or an order, in one stream, from the rows that record it."""

import uuid
from collections.abc import Iterable
from typing import Any

from events.models import OutboxEvent
from foundation.models import AuditEntry, Transition
from orders.models import Cancellation, Checkout, Notification, Order
from payments.models import Payment, PaymentTransaction
from payments.representations import moment, told_actor

Entry = dict[str, Any]


def of_order(order: Order, *, for_staff: bool = True) -> list[Entry]:
    """Everything about an order: its checkout, its payment, its shipments, its messages.

    A client of the API is not told which of our people acted, nor what they wrote. Staff are
    told the row of each entry (`about`: its kind and id), for a link.
    """
    shipments = list(order.fulfillments.values_list("pk", flat=True))
    undone = Cancellation.objects.filter(order=order).first()
    others = [order.pk, *shipments, *([undone.pk] if undone else [])]
    steps = _steps(undone.step_log, "system:cancellation") if undone else []
    return _told(_sorted([*_rows(order.checkout, others), *steps, *_mails(order)]), for_staff)


def of_checkout(checkout: Checkout, *, for_staff: bool = True) -> list[Entry]:
    """A checkout that may never have become an order."""
    return _told(_sorted(_rows(checkout, [])), for_staff)


def _mails(order: Order) -> Iterable[Entry]:
    """Those that were sent, or were given up; a version above the first says who wanted it."""
    for mail in Notification.objects.filter(order=order).select_related("refund"):
        at = mail.sent_at or mail.given_up_at
        if at is not None:
            again = f", version {mail.version}" if mail.version > 1 else ""
            outcome = "" if mail.sent_at else ": given up"
            actor = mail.actor or "system:notification"
            entry = _entry(at, "notification", f"{mail.template}{again}{outcome}", actor)
            money = (
                {"amount": mail.refund.amount, "currency": order.currency} if mail.refund else {}
            )
            yield entry | money | _reason(mail.reason)


def _rows(checkout: Checkout, others: list[uuid.UUID]) -> Iterable[Entry]:
    payments = list(_payments(checkout))
    subjects = [checkout.pk, *others, *payments]
    yield from _steps(checkout.step_log, "system:checkout")
    for done in PaymentTransaction.objects.filter(payment_id__in=payments):
        outcome = "succeeded" if done.succeeded else f"failed ({done.error_code})"
        yield _entry(done.created_at, "processor", f"{done.kind} {outcome}", done.actor) | {
            "amount": done.amount,
            "currency": done.currency,
            "about": ("payment", done.payment_id),
        }
    for row in Transition.objects.filter(aggregate_id__in=subjects):
        what = f"{row.aggregate}: {row.from_state} → {row.to_state}"
        about: Entry = {"about": (row.aggregate, row.aggregate_id)}
        yield _entry(row.at, "state", what, row.actor) | _reason(row.reason) | about
    for audit in AuditEntry.objects.filter(aggregate_id__in=subjects):
        about = {"about": ("auditentry", audit.pk)}
        yield _entry(audit.at, "audit", audit.action, audit.actor) | _reason(audit.reason) | about
    for event in OutboxEvent.objects.filter(stream=checkout.pk):
        about = {"about": ("outboxevent", event.pk), "state": event.state}
        yield _entry(event.created_at, "event", event.type, "outbox") | about


def _payments(checkout: Checkout) -> Iterable[uuid.UUID]:
    """Its payment, then the hold that was asked for in that one's place, and so on."""
    following = checkout.payment_id
    while following is not None:
        yield following
        made = Payment.objects.filter(replaces_id=following).values_list("pk", flat=True)
        following = made.first()


def _steps(log: Iterable[Entry], actor: str) -> Iterable[Entry]:
    for step in log:
        yield {"at": step["at"], "kind": "step", "what": step["step"], "actor": actor}


def _entry(at: Any, kind: str, what: str, actor: str) -> Entry:
    return {"at": moment(at), "kind": kind, "what": what, "actor": actor}


def _reason(reason: str) -> Entry:
    return {"reason": reason} if reason else {}


def _sorted(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: str(entry["at"]))


def _told(entries: list[Entry], for_staff: bool) -> list[Entry]:  # noqa: FBT001 - private
    if for_staff:
        return entries
    kept = [entry for entry in entries if entry["kind"] != "audit"]
    for entry in kept:
        entry.pop("reason", None)
        entry.pop("about", None)
        entry["actor"] = told_actor(str(entry.get("actor", "")))
    return kept
