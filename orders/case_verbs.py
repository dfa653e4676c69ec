"""What a person may have done about a checkout or an order that does not go on by itself."""

import uuid
from collections.abc import Sequence
from typing import Final

from foundation.errors import DomainError
from foundation.models import Case
from orders import completion, mails, repayment, settlement, stalled, unheard
from orders.cancellation import coverage
from orders.cancellation import recovery as cancellation_recovery
from orders.cancellation.follow import follow_payment
from orders.checkout import recovery
from orders.models import Cancellation, Checkout, Order
from payments.models import Source

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
        mails.send_unsent(case.aggregate_id)
    except OSError as error:  # whatever a mail server can do
        return f"Not sent: {error}"
    return "Sent." if told_orders([case.aggregate_id]) else "Nothing was done: it is being sent."


def go_on_canceling(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Run the cancellation of an order from where it stands, however long it was put off."""
    undone = Cancellation.objects.get(order_id=case.aggregate_id)
    if not cancellation_recovery.resume(undone.pk):
        return _BUSY
    return f"The order is {_state_of(case.aggregate_id)} now."


def hold_again(case: Case, *, by: str, reason: str) -> str:
    """Ask for a new hold, with the card the order was bought with."""
    try:
        made = repayment.ask_again(case.aggregate_id, by=by, reason=reason, source=Source.STAFF)
    except DomainError as refusal:
        return f"Nothing was done: {refusal.detail}"
    return f"The new hold is {made.state.replace('_', ' ')}."


def capture_again(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Send the capture that the policy of the payment's order says is due, now."""
    order = Order.objects.select_related("payment").filter(payment_id=case.aggregate_id).first()
    if order is None:
        return "Nothing was done: no order stands on this payment any more."
    if not settlement.settle_at_once(order.pk):
        return "Nothing was done: nothing is due by the order's policy, or somebody is at it."
    order.payment.refresh_from_db()
    return f"The payment is {order.payment.state.replace('_', ' ')} now."


def follow_again(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Bring an order in line with what became of its payment."""
    follow_payment(Order.objects.values_list("payment_id", flat=True).get(pk=case.aggregate_id))
    return f"The order is {_state_of(case.aggregate_id)} now."


def complete_with_shipped(case: Case, *, by: str, reason: str) -> str:
    """End an order with what was shipped of it; the rest is not owed any more."""
    try:
        completion.complete_with_what_shipped(case.aggregate_id, by=by, reason=reason)
    except DomainError as refusal:
        return f"Nothing was done: {refusal.detail}"
    return "The order is completed with what was shipped."


def _state_of(order_id: uuid.UUID) -> str:
    state = Order.objects.values_list("state", flat=True).get(pk=order_id)
    return state.replace("_", " ")


def undone_orders(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that nobody is canceling any more."""
    return _orders_outside(ids, "canceling")


def paid_orders(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that wait for no money any more: paid for again, or canceled."""
    return _orders_outside(ids, "payment_required")


def _orders_outside(ids: Sequence[uuid.UUID], state: str) -> list[uuid.UUID]:
    rows = Order.objects.filter(pk__in=ids).exclude(state=state)
    return list(rows.values_list("pk", flat=True))


def followed_orders(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that are in line with their payment."""
    left = unheard.unfollowed(ids)
    return [order_id for order_id in ids if order_id not in left]


def made_good_orders(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those shipped on a dead hold that were paid after all."""
    rows = Order.objects.filter(pk__in=ids, payment__captured_amount__gt=0)
    return list(rows.values_list("pk", flat=True))


def given_back_orders(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those of which no more is kept than was shipped; a bank that still decides may bring more."""
    undisputed = Order.objects.filter(pk__in=ids, payment__is_disputed=False)
    orders = undisputed.select_related("payment")
    return [order.pk for order in orders if not coverage.kept_amount(order)]


def ended_checkouts(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that came to an end."""
    return list(Checkout.objects.filter(pk__in=ids, state__in=_ENDED).values_list("pk", flat=True))


def moving_orders(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that are watched by the sweep again, or need nothing any more."""
    orders = Order.objects.filter(pk__in=ids).select_related("payment")
    return [order.pk for order in orders if not stalled.is_parked(order)]


def told_orders(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those of which no e-mail waits to be sent."""
    waiting = set(mails.untold().filter(order_id__in=ids).values_list("order_id", flat=True))
    return [order_id for order_id in ids if order_id not in waiting]
