"""What a person may have done about a checkout or an order that does not go on by itself."""

import uuid
from collections.abc import Sequence
from typing import Final

from foundation.models import Case
from orders import notifications, stalled
from orders.checkout import recovery
from orders.models import Checkout, Notification, Order

_ENDED: Final = ("completed", "failed", "expired", "compensated")
_BUSY: Final = "Nothing was done: somebody is at work on it right now. Look again in a minute."


def take_up(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Run a checkout from where it stands, however long it was put off."""
    return _now(case.aggregate_id) if recovery.resume(case.aggregate_id) else _BUSY


def undo(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Turn a checkout around and run it: what is held is released, and no order is placed."""
    is_taken = recovery.resume(case.aggregate_id, backward=True)
    return _now(case.aggregate_id) if is_taken else _BUSY


def _now(checkout_id: uuid.UUID) -> str:
    state = Checkout.objects.values_list("state", flat=True).get(pk=checkout_id)
    return f"The checkout is {state.replace('_', ' ')} now."


def resume_order(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Let the sweep start the next step of a parked order again, with all its tries."""
    if stalled.resume(case.aggregate_id):
        return "The next sweep starts its next step."
    return "Nothing was done: it is not parked."


def send_again(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Send the e-mail that was given up, now."""
    try:
        notifications.send_unsent(case.aggregate_id)
    except OSError as error:  # whatever a mail server can do
        return f"Not sent: {error}"
    return "Sent." if told_orders([case.aggregate_id]) else "Nothing was done: it is being sent."


def ended_checkouts(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that came to an end."""
    return list(Checkout.objects.filter(pk__in=ids, state__in=_ENDED).values_list("pk", flat=True))


def moving_orders(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that are watched by the sweep again, or need nothing any more."""
    orders = Order.objects.filter(pk__in=ids).select_related("payment")
    return [order.pk for order in orders if not stalled.is_parked(order)]


def told_orders(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those of which no e-mail waits to be sent."""
    untold = Notification.objects.filter(order_id__in=ids, sent_at=None)
    waiting = set(untold.values_list("order_id", flat=True))
    return [order_id for order_id in ids if order_id not in waiting]
