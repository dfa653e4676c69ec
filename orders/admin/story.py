"""All that is known to have happened to an order or a checkout, in one stream, each entry linked.

`orders/timeline.py` tells what clients may read too. Staff also see what the processor told, how
refunds and disputes moved, cases, approvals and webhooks. A new kind of entry is one more in
`_SOURCES`.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from events.models import WebhookDelivery
from foundation.models import Approval, AuditEntry, Case, Transition
from orders import timeline
from orders.models import Checkout, Order
from payments.models import Dispute, Payment, ProcessorEvent, Refund
from payments.representations import moment

Entry = dict[str, Any]


@dataclass(frozen=True)
class Subjects:
    """The rows that a story is about, by their ids."""

    own: Sequence[uuid.UUID]
    payments: Sequence[uuid.UUID]
    parts: Sequence[uuid.UUID]  # refunds and disputes of these payments


def of_order(order: Order) -> list[Entry]:
    """Oldest first."""
    return _merged(timeline.of_order(order), order.checkout_id, [order.pk])


def of_checkout(checkout: Checkout) -> list[Entry]:
    """Oldest first; also of one that never became an order."""
    return _merged(timeline.of_checkout(checkout), checkout.pk, [])


def _merged(told: list[Entry], checkout_id: uuid.UUID, own: list[uuid.UUID]) -> list[Entry]:
    payments = list(Payment.objects.filter(stream=checkout_id).values_list("pk", flat=True))
    refunds = Refund.objects.filter(payment_id__in=payments).values_list("pk", flat=True)
    disputes = Dispute.objects.filter(payment_id__in=payments).values_list("pk", flat=True)
    subjects = Subjects([checkout_id, *own], payments, [*refunds, *disputes])
    more = [entry for source in _SOURCES for entry in source(subjects)]
    return sorted([*told, *more], key=lambda entry: str(entry["at"]))


def _told_by_the_processor(subjects: Subjects) -> Iterable[Entry]:
    rows = ProcessorEvent.objects.filter(payment_id__in=subjects.payments).defer("body")
    for row in rows:
        about = ("processorevent", row.pk)
        yield _entry(row.received_at, "told", row.type, row.processor, about) | {"state": row.state}


def _moves_of_parts(subjects: Subjects) -> Iterable[Entry]:
    for row in Transition.objects.filter(aggregate_id__in=subjects.parts):
        what = f"{row.aggregate}: {row.from_state} → {row.to_state}"
        about = (row.aggregate, row.aggregate_id)
        yield _entry(row.at, "state", what, row.actor, about) | _because(row.reason)


def _cases_and_approvals(subjects: Subjects) -> Iterable[Entry]:
    about = [*subjects.own, *subjects.payments, *subjects.parts]
    cases = list(Case.objects.filter(aggregate_id__in=about))
    asked = list(Approval.objects.filter(aggregate_id__in=about))
    for case in cases:
        what, link = f"case: {case.title}", ("case", case.pk)
        yield _entry(case.opened_at, "case", what, case.owner, link) | {"state": case.state}
    of_these = {**{row.pk: "case" for row in cases}, **{row.pk: "approval" for row in asked}}
    spoken_of = [*of_these, *subjects.parts]
    for audit in AuditEntry.objects.filter(aggregate_id__in=spoken_of):
        link = (of_these.get(audit.aggregate_id, "auditentry"), audit.aggregate_id)
        if link[0] == "auditentry":
            link = ("auditentry", audit.pk)
        yield _entry(audit.at, "audit", audit.action, audit.actor, link) | _because(audit.reason)


def _told_to_clients(subjects: Subjects) -> Iterable[Entry]:
    rows = WebhookDelivery.objects.filter(event__stream__in=subjects.own)
    for row in rows.select_related("event", "endpoint"):
        about, what = ("webhookdelivery", row.pk), f"{row.event.type} to {row.endpoint.url}"
        at = row.sent_at or row.created_at
        yield _entry(at, "webhook", what, "deliverer", about) | {"state": row.state}


_SOURCES: Final[Sequence[Callable[[Subjects], Iterable[Entry]]]] = (
    _told_by_the_processor,
    _moves_of_parts,
    _cases_and_approvals,
    _told_to_clients,
)


def _entry(at: dt.datetime, kind: str, what: str, actor: str, about: Any) -> Entry:
    return {"at": moment(at), "kind": kind, "what": what, "actor": actor, "about": about}


def _because(reason: str) -> Entry:
    return {"reason": reason} if reason else {}
