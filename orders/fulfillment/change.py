"""What became of a shipment: one change, under the order's lock, or none of it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from foundation import audit
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from orders.fulfillment import rows
from orders.fulfillment.cancel import cancel
from orders.fulfillment.deliver import deliver
from orders.fulfillment.ship import ship, track
from orders.models import Fulfillment
from orders.refusals import FulfillmentStateConflict

_VERBS: Final[dict[str, Callable[..., None]]] = {
    "shipped": ship,
    "delivered": deliver,
    "canceled": cancel,
}


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
    `FulfillmentStateConflict`, `OrderNotFulfillable` and `FulfillmentNotCovered`.
    """
    with durable():
        order = rows.locked(
            Fulfillment.objects.values_list("order_id", flat=True).get(pk=fulfillment_id)
        )
        fulfillment = Fulfillment.objects.prefetch_related("lines__order_line").get(
            pk=fulfillment_id
        )
        expects(fulfillment)
        if wanted.status is not None and wanted.status != fulfillment.state:
            _move(order, fulfillment, wanted.status, by=by, reason=reason)
            _put_on_record(fulfillment, by=by, reason=reason)
        track(fulfillment, carrier=wanted.carrier, number=wanted.tracking_number)
    return fulfillment


def _move(order: Any, fulfillment: Fulfillment, status: str, *, by: str, reason: str) -> None:
    was = fulfillment.state
    try:
        _VERBS[status](order, fulfillment, by=by, reason=reason)
    except IllegalTransition as illegal:
        raise FulfillmentStateConflict(
            f"It is {was}; it can not become {status}.", fulfillment_status=was
        ) from illegal


def _put_on_record(fulfillment: Fulfillment, *, by: str, reason: str) -> None:
    audit.record(
        actor=by,
        action=f"fulfillment.{fulfillment.state}",
        aggregate="fulfillment",
        aggregate_id=fulfillment.pk,
        reason=reason or "asked for over the API",
        before={},
        after={"state": fulfillment.state},
    )
