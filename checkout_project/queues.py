"""Which queue each task waits in: money, orders, events and sweeps do not hold each other up."""

from typing import Any, Final

QUEUES: Final = ("payments", "orders", "events", "sweeps")

TASK_ROUTES: Final = {
    "orders.tasks.settle_order": {"queue": "payments"},
    "orders.tasks.fulfill_order": {"queue": "orders"},
    "orders.tasks.notify_customer": {"queue": "orders"},
    "orders.tasks.notify_of_refund": {"queue": "orders"},
    "orders.tasks.follow_payment": {"queue": "orders"},
    "orders.tasks.act_on_expiry": {"queue": "payments"},
    "orders.tasks.work_bulk_row": {"queue": "payments"},
    "orders.tasks.finish_bulk_runs": {"queue": "sweeps"},
    "orders.tasks.recover_checkouts": {"queue": "sweeps"},
    "orders.tasks.recover_cancellations": {"queue": "sweeps"},
    "orders.tasks.recover_actions": {"queue": "sweeps"},
    "orders.tasks.restart_stalled_orders": {"queue": "sweeps"},
    "orders.tasks.send_due_mails": {"queue": "sweeps"},
    "orders.tasks.follow_unheard_payments": {"queue": "sweeps"},
    "orders.tasks.reap_idempotency_keys": {"queue": "sweeps"},
    "orders.tasks.take_up_news": {"queue": "events"},
    "payments.tasks.work_processor_event": {"queue": "events"},
    "payments.tasks.work_processor_events": {"queue": "sweeps"},
    "payments.tasks.catch_up_processor_events": {"queue": "sweeps"},
    "payments.tasks.resolve_unknown": {"queue": "sweeps"},
    "payments.tasks.recover_actions": {"queue": "sweeps"},
    "payments.tasks.expire_authorizations": {"queue": "sweeps"},
    "reconciliation.tasks.perform_run": {"queue": "sweeps"},
    "reconciliation.tasks.reconcile_days": {"queue": "sweeps"},
    "reconciliation.tasks.recover_actions": {"queue": "sweeps"},
    "attribution.tasks.recover_actions": {"queue": "sweeps"},
    "attribution.tasks.tell_purchases": {"queue": "sweeps"},
    "attribution.tasks.measure_gap": {"queue": "sweeps"},
    "attribution.tasks.forget_touchpoints": {"queue": "sweeps"},
    "events.tasks.deliver_webhooks": {"queue": "sweeps"},
    "events.tasks.forget_deliveries": {"queue": "sweeps"},
    "foundation.tasks.canary": {"queue": "sweeps"},  # beat names the queue it is for
    "foundation.tasks.forget_periodic_runs": {"queue": "sweeps"},
    "foundation.tasks.resolve_healed_cases": {"queue": "sweeps"},
    "foundation.tasks.check_invariants": {"queue": "sweeps"},
    "foundation.tasks.check_all_invariants": {"queue": "sweeps"},
}

_REDIS: Final = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,  # well below the relay's lease: a silent broker is given up in time
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "retry_on_timeout": False,
}


def transport(broker_url: str) -> dict[str, Any]:
    """The settings of Celery that differ by broker.

    RabbitMQ: replicated queues, and a publish that is not confirmed did not happen.
    """
    if broker_url.startswith(("redis", "rediss", "sentinel")):
        return {"CELERY_BROKER_TRANSPORT_OPTIONS": dict(_REDIS)}
    return {
        "CELERY_TASK_DEFAULT_QUEUE_TYPE": "quorum",
        "CELERY_BROKER_TRANSPORT_OPTIONS": {"confirm_publish": True},
    }
