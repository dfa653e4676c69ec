"""The timetable. A file, not rows: the schedule is code, reviewed and tested."""

from typing import Any, Final

from celery.schedules import crontab

# name → task; a sweep that finds nothing costs one index look-up
_SWEEPS: Final = {
    "recover checkouts": "orders.tasks.recover_checkouts",
    "recover cancellations": "orders.tasks.recover_cancellations",
    "recover actions of orders": "orders.tasks.recover_actions",
    "resolve unknown outcomes": "payments.tasks.resolve_unknown",
    "recover captures, voids and refunds": "payments.tasks.recover_actions",
    "work processor events": "payments.tasks.work_processor_events",
    "restart stalled orders": "orders.tasks.restart_stalled_orders",
    "resolve healed cases": "foundation.tasks.resolve_healed_cases",
    "finish bulk runs": "orders.tasks.finish_bulk_runs",
}


def timetable(sweep_seconds: float) -> dict[str, dict[str, Any]]:
    """Every periodic job: the sweeps every `sweep_seconds`, and what has its own rhythm."""
    sweeps = {
        name: {"task": task, "schedule": sweep_seconds, "options": {"expires": sweep_seconds}}
        for name, task in _SWEEPS.items()
    }
    return sweeps | {
        "expire authorizations": {
            "task": "payments.tasks.expire_authorizations",
            "schedule": crontab(minute="*/10"),
        },
        "follow unheard payments": {
            "task": "orders.tasks.follow_unheard_payments",
            "schedule": crontab(minute="5-59/10"),
        },
        "catch up processor events": {
            "task": "payments.tasks.catch_up_processor_events",
            "schedule": crontab(minute=7),
        },
        "reap idempotency keys": {
            "task": "orders.tasks.reap_idempotency_keys",
            "schedule": crontab(hour=4, minute=0),
        },
        "check invariants": {
            "task": "foundation.tasks.check_invariants",
            "schedule": crontab(minute="*/15"),
        },
        "check all invariants": {
            "task": "foundation.tasks.check_all_invariants",
            "schedule": crontab(hour=5, minute=0),
        },
    }
