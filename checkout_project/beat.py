"""The timetable. A file, not rows: the schedule is code, reviewed and tested."""

from typing import Any, Final

from celery.schedules import crontab

from checkout_project.queues import QUEUES

# name → task; a sweep that finds nothing costs one index look-up
_SWEEPS: Final = {
    "recover checkouts": "orders.tasks.recover_checkouts",
    "recover cancellations": "orders.tasks.recover_cancellations",
    "recover actions of orders": "orders.tasks.recover_actions",
    "resolve unknown outcomes": "payments.tasks.resolve_unknown",
    "recover captures, voids and refunds": "payments.tasks.recover_actions",
    "recover actions of reconciliation": "reconciliation.tasks.recover_actions",
    "recover actions of attribution": "attribution.tasks.recover_actions",
    "tell purchases to analytics": "attribution.tasks.tell_purchases",
    "work processor events": "payments.tasks.work_processor_events",
    "restart stalled orders": "orders.tasks.restart_stalled_orders",
    "send due mails": "orders.tasks.send_due_mails",
    "resolve healed cases": "foundation.tasks.resolve_healed_cases",
    "finish bulk runs": "orders.tasks.finish_bulk_runs",
    "deliver webhooks": "events.tasks.deliver_webhooks",
}


# name → (task, when): jobs with a rhythm of their own, each guarded by its window
_BY_THE_CLOCK: Final = {
    "expire authorizations": ("payments.tasks.expire_authorizations", crontab(minute="*/10")),
    "follow unheard payments": ("orders.tasks.follow_unheard_payments", crontab(minute="5-59/10")),
    "catch up processor events": ("payments.tasks.catch_up_processor_events", crontab(minute=7)),
    "reap idempotency keys": ("orders.tasks.reap_idempotency_keys", crontab(hour=4, minute=0)),
    "reconcile days": ("reconciliation.tasks.reconcile_days", crontab(minute=20)),
    "measure attribution gap": ("attribution.tasks.measure_gap", crontab(hour=3, minute=45)),
    "forget touchpoints": ("attribution.tasks.forget_touchpoints", crontab(hour=4, minute=15)),
    "forget deliveries": ("events.tasks.forget_deliveries", crontab(hour=4, minute=20)),
    "check invariants": ("foundation.tasks.check_invariants", crontab(minute="*/15")),
    "check all invariants": ("foundation.tasks.check_all_invariants", crontab(hour=5, minute=0)),
    "forget periodic runs": ("foundation.tasks.forget_periodic_runs", crontab(hour=4, minute=30)),
}


def timetable(sweep_seconds: float) -> dict[str, dict[str, Any]]:
    """Every job: sweeps and canaries every `sweep_seconds`, the others by the clock."""
    sweeps = {
        name: _often(task, sweep_seconds, kwargs={"window_seconds": sweep_seconds})
        for name, task in _SWEEPS.items()
    }
    canaries = {
        f"canary in {queue}": _often(
            "foundation.tasks.canary", sweep_seconds, args=[queue], queue=queue
        )
        for queue in QUEUES
    }
    others = {
        name: {"task": task, "schedule": when} for name, (task, when) in _BY_THE_CLOCK.items()
    }
    return sweeps | canaries | others


def _often(task: str, seconds: float, *, queue: str = "", **given: Any) -> dict[str, Any]:
    """An entry that is of no use any more when the next one is sent."""
    options = {"expires": seconds} | ({"queue": queue} if queue else {})
    return {"task": task, "schedule": seconds, "options": options, **given}
