"""One line each: call the verb. A guarded transition makes a repeat a no-op."""

import uuid

from celery import shared_task
from django.conf import settings

from foundation import actions, reaping
from foundation.periodic import once_per_window, sweep
from orders import (
    bulk,
    cancellation,
    expiry,
    fulfillment,
    mails,
    notifications,
    settlement,
    stalled,
    unheard,
)
from orders.actions import ACTIONS
from orders.cancellation import recovery as cancellation_recovery
from orders.checkout import news, recovery


@shared_task
def settle_order(order_id: str) -> None:
    """Take what the order's policy wants taken now."""
    settlement.settle(uuid.UUID(order_id))


@shared_task
def fulfill_order(order_id: str) -> None:
    """Create what the warehouse owes."""
    fulfillment.fulfill(uuid.UUID(order_id))


@shared_task
def notify_customer(order_id: str) -> None:
    """Tell the customer what there is to tell, and stop watching once all is done."""
    stalled.notify_and_settle(uuid.UUID(order_id))


@shared_task
def notify_of_refund(refund_id: str) -> None:
    """Tell the customer that money went back."""
    notifications.tell_of_refund(uuid.UUID(refund_id))


@shared_task
def follow_payment(payment_id: str) -> None:
    """Cancel or stop the order whose hold is gone, or go on with the one that replaced it."""
    cancellation.follow_payment(uuid.UUID(payment_id))


@shared_task
def act_on_expiry(payment_id: str) -> None:
    """Capture, ask again or let go of a hold whose last hours have begun."""
    expiry.act(uuid.UUID(payment_id))


@shared_task
def take_up_news(payment_id: str, event_id: str) -> None:
    """Have the checkout that holds a payment look at the processor now."""
    news.take_up(uuid.UUID(payment_id), event_id=uuid.UUID(event_id))


@shared_task
def work_bulk_row(row_id: str) -> None:
    """Release one hold of many."""
    bulk.work(uuid.UUID(row_id))


@shared_task
@sweep
def finish_bulk_runs() -> None:
    """Go on with rows whose message was lost, or whose hold was in doubt."""
    bulk.finish(limit=settings.SWEEP_BATCH)


@shared_task
@sweep
def recover_checkouts() -> None:
    """Finish or undo checkouts whose runner is gone."""
    recovery.recover_checkouts(limit=settings.SWEEP_BATCH)


@shared_task
@sweep
def recover_cancellations() -> None:
    """Go on with cancellations whose runner is gone, or whose money is not settled."""
    cancellation_recovery.recover_cancellations(limit=settings.SWEEP_BATCH)


@shared_task
@sweep
def recover_actions() -> None:
    """Finish requests with a key whose runner is gone: visits, shipments, adjustments."""
    actions.recover(ACTIONS, limit=settings.SWEEP_BATCH)


@shared_task
@sweep
def restart_stalled_orders() -> None:
    """Tell again of orders whose next step is due and nobody is at work on."""
    stalled.restart_stalled_orders(limit=settings.SWEEP_BATCH)


@shared_task
@sweep
def send_due_mails() -> None:
    """Send mails whose message or worker was lost, or whose last try failed."""
    mails.send_due(limit=settings.SWEEP_BATCH)


@shared_task
@once_per_window("follow_unheard_payments", seconds=600)
def follow_unheard_payments() -> None:
    """Stop, cancel or set going again orders whose payment's news was lost."""
    unheard.follow_unheard(limit=settings.SWEEP_BATCH)


@shared_task
@once_per_window("reap_idempotency_keys", seconds=86_400)
def reap_idempotency_keys() -> None:
    """Delete ended keys past their keep time."""
    reaping.reap(older_than=settings.IDEMPOTENCY_KEEP, limit=settings.REAP_BATCH)
