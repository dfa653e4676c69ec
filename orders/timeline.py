"""What happened to a checkout or an order, in one stream, from the rows that record it."""

import uuid
from collections.abc import Iterable
from typing import Any

from events.models import OutboxEvent
from foundation.models import AuditEntry, Transition
from orders.models import Checkout, Notification, Order
from payments.models import PaymentTransaction
from payments.representations import moment, told_actor

Entry = dict[str, Any]


def of_order(order: Order, *, for_staff: bool = True) -> list[Entry]:
    """Everything about an order: its checkout, its payment, its shipments, its messages.

    A client of the API is not told which of our people acted, nor what they wrote.
    """
    shipments = list(order.fulfillments.values_list("pk", flat=True))
    mails = [
        _entry(mail.sent_at, "notification", mail.template, "system:notification")
        for mail in Notification.objects.filter(order=order, sent_at__isnull=False)
    ]
    return _told(_sorted([*_rows(order.checkout, [order.pk, *shipments]), *mails]), for_staff)


def of_checkout(checkout: Checkout, *, for_staff: bool = True) -> list[Entry]:
    """A checkout that may never have become an order."""
    return _told(_sorted(_rows(checkout, [])), for_staff)


def _rows(checkout: Checkout, others: list[uuid.UUID]) -> Iterable[Entry]:
    subjects = [checkout.pk, *others]
    if checkout.payment_id is not None:
        subjects.append(checkout.payment_id)
    for step in checkout.step_log:
        yield {"at": step["at"], "kind": "step", "what": step["step"], "actor": "system:checkout"}
    for done in PaymentTransaction.objects.filter(payment__checkout=checkout):
        outcome = "succeeded" if done.succeeded else f"failed ({done.error_code})"
        yield _entry(done.created_at, "processor", f"{done.kind} {outcome}", done.actor) | {
            "amount": done.amount,
            "currency": done.currency,
        }
    for row in Transition.objects.filter(aggregate_id__in=subjects):
        what = f"{row.aggregate}: {row.from_state} → {row.to_state}"
        yield _entry(row.at, "state", what, row.actor) | _reason(row.reason)
    for audit in AuditEntry.objects.filter(aggregate_id__in=subjects):
        yield _entry(audit.at, "audit", audit.action, audit.actor) | _reason(audit.reason)
    for event in OutboxEvent.objects.filter(stream=checkout.pk):
        yield _entry(event.created_at, "event", event.type, "outbox") | {"state": event.state}


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
        entry["actor"] = told_actor(str(entry.get("actor", "")))
    return kept
