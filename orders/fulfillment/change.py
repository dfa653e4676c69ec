"""What became of a shipment: one change, under the order's lock, or none of it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from foundation import audit
from foundation.transactions import durable
from orders.fulfillment import rows
from orders.fulfillment.cancel import cancel
from orders.fulfillment.deliver import deliver
from orders.fulfillment.ship import ship, track
from orders.models import Fulfillment, Order
from orders.refusals import FulfillmentStateConflict
from orders.states import FULFILLMENT

_VERBS: Final[dict[str, Callable[..., None]]] = {
    "shipped": ship,
    "delivered": deliver,
    "canceled": cancel,
}
_ON_RECORD: Final = ("state", "carrier", "tracking_number")


@dataclass(frozen=True)
class Change:
    """What is to become of it; None leaves it as it is. `status`: shipped, delivered, canceled."""

    status: str | None = None
    carrier: str | None = None
    tracking_number: str | None = None


def change(
    fulfillment_id: uuid.UUID,
    wanted: Change,
    *,
    by: str,
    reason: str = "",
    expects: Callable[[Fulfillment], None] = lambda _: None,
) -> Fulfillment:
    """Make a change; the state that it is in already is no change, so a repeat does nothing.

    `expects` is called with the row under the lock, and may refuse. Raises
    `FulfillmentStateConflict`, `OrderNotFulfillable`, `FulfillmentNotCovered` and
    `PaymentInProgress`.
    """
    with durable():
        order = rows.locked(
            Fulfillment.objects.values_list("order_id", flat=True).get(pk=fulfillment_id)
        )
        fulfillment = Fulfillment.objects.prefetch_related("lines__order_line").get(
            pk=fulfillment_id
        )
        expects(fulfillment)
        before = _seen(fulfillment)
        if wanted.status is not None and wanted.status != fulfillment.state:
            _move(order, fulfillment, wanted.status, by=by, reason=reason)
        track(fulfillment, carrier=wanted.carrier, number=wanted.tracking_number)
        _put_on_record(fulfillment, before, by=by, reason=reason)
    return fulfillment


def _move(order: Order, fulfillment: Fulfillment, status: str, *, by: str, reason: str) -> None:
    """Its own state is the first reason against it: what it may become nobody changes meanwhile."""
    if status not in FULFILLMENT.moves[fulfillment.state]:
        raise FulfillmentStateConflict(
            f"It is {fulfillment.state}; it can not become {status}.",
            fulfillment_status=fulfillment.state,
        )
    _VERBS[status](order, fulfillment, by=by, reason=reason)


def _seen(fulfillment: Fulfillment) -> dict[str, str]:
    return {name: getattr(fulfillment, name) for name in _ON_RECORD}


def _put_on_record(
    fulfillment: Fulfillment, before: dict[str, str], *, by: str, reason: str
) -> None:
    after = _seen(fulfillment)
    if after == before:
        return
    became = "tracked" if after["state"] == before["state"] else fulfillment.state
    audit.record(
        actor=by,
        action=f"fulfillment.{became}",
        aggregate="fulfillment",
        aggregate_id=fulfillment.pk,
        reason=reason or "asked for over the API",
        before=before,
        after=after,
    )
