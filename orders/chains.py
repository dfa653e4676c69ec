"""What follows from an event. The only place where chains are composed, named after the event.

A chain carries ids and is only the fast path: every task re-reads its row and is a no-op when
done, and what a lost message stopped is started again from the rows by a sweep.
"""

from collections.abc import Mapping
from typing import Any

from celery import chain
from celery.canvas import Signature

from orders import tasks
from payments import tasks as payment_tasks


def after_order_placed(fact: Mapping[str, Any]) -> Signature[Any]:
    """settlement → fulfillment → notification."""
    return chain(
        tasks.settle_order.si(fact["order_id"]),
        tasks.fulfill_order.si(fact["order_id"]),
        tasks.notify_customer.si(fact["order_id"]),
    )


def after_order_stalled(fact: Mapping[str, Any]) -> Signature[Any]:
    """Whatever was lost: first in line with the payment, then on as after `order.placed`."""
    return chain(
        tasks.follow_payment.si(fact["payment_id"]),
        tasks.act_on_expiry.si(fact["payment_id"]),
        after_order_placed(fact),
    )


def after_processor_event(fact: Mapping[str, Any]) -> Signature[Any]:
    """A message of the processor is worked from its row."""
    return payment_tasks.work_processor_event.si(fact["processor_event_id"])


def after_payment_news(fact: Mapping[str, Any]) -> Signature[Any]:
    """A checkout that waits for its payment looks at once, instead of when it is swept."""
    return tasks.take_up_news.si(fact["payment_id"], fact["processor_event_id"])


def after_payment_changed(fact: Mapping[str, Any]) -> Signature[Any]:
    """The order, if there is one, stops when its hold is gone, and goes on when it was paid."""
    return tasks.follow_payment.si(fact["payment_id"])


def after_order_canceled(fact: Mapping[str, Any]) -> Signature[Any]:
    """The customer is told."""
    return tasks.notify_customer.si(fact["order_id"])


def after_order_stopped(fact: Mapping[str, Any]) -> Signature[Any]:
    """The customer is told that the order has to be paid for again."""
    return tasks.notify_customer.si(fact["order_id"])


def after_refund_succeeded(fact: Mapping[str, Any]) -> Signature[Any]:
    """The customer is told, once for each refund."""
    return tasks.notify_of_refund.si(fact["refund_id"])


def after_fulfillment_shipped(fact: Mapping[str, Any]) -> Signature[Any]:
    """What ships is taken, by policy, and the customer is told."""
    return chain(
        tasks.settle_order.si(fact["order_id"]), tasks.notify_customer.si(fact["order_id"])
    )


def after_payment_expiring(fact: Mapping[str, Any]) -> Signature[Any]:
    """Warned of, nothing follows; in its last hours the hold is captured, replaced or let go."""
    return tasks.act_on_expiry.si(fact["payment_id"])


def after_payment_replaced(fact: Mapping[str, Any]) -> Signature[Any]:
    """The order goes on with its new hold, or waits for money when there is none."""
    return tasks.follow_payment.si(fact["payment_id"])


def after_bulk_void_requested(fact: Mapping[str, Any]) -> Signature[Any]:
    """One hold of many is released."""
    return tasks.work_bulk_row.si(fact["row_id"])
