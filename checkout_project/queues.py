"""Which queue each task waits in: money, orders, events and sweeps do not hold each other up."""

from typing import Final

TASK_ROUTES: Final = {
    "payments.tasks.capture_payment": {"queue": "payments"},
    "orders.tasks.fulfill_order": {"queue": "orders"},
    "orders.tasks.notify_customer": {"queue": "orders"},
    "orders.tasks.follow_payment": {"queue": "orders"},
    "orders.tasks.recover_checkouts": {"queue": "sweeps"},
    "orders.tasks.restart_stalled_orders": {"queue": "sweeps"},
    "orders.tasks.reap_idempotency_keys": {"queue": "sweeps"},
    "orders.tasks.take_up_news": {"queue": "events"},
    "payments.tasks.work_processor_event": {"queue": "events"},
    "payments.tasks.work_processor_events": {"queue": "sweeps"},
    "payments.tasks.catch_up_processor_events": {"queue": "sweeps"},
    "payments.tasks.resolve_unknown": {"queue": "sweeps"},
}
