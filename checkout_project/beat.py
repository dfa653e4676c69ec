"""The timetable. A file, not rows: the schedule is code, reviewed and tested."""

from typing import Any

from celery.schedules import crontab


def timetable(sweep_seconds: float) -> dict[str, dict[str, Any]]:
    """Every periodic job. A sweep that finds nothing costs one index look-up."""
    return {
        "recover checkouts": {
            "task": "orders.tasks.recover_checkouts",
            "schedule": sweep_seconds,
            "options": {"expires": sweep_seconds},
        },
        "recover cancellations": {
            "task": "orders.tasks.recover_cancellations",
            "schedule": sweep_seconds,
            "options": {"expires": sweep_seconds},
        },
        "recover actions of orders": {
            "task": "orders.tasks.recover_actions",
            "schedule": sweep_seconds,
            "options": {"expires": sweep_seconds},
        },
        "resolve unknown outcomes": {
            "task": "payments.tasks.resolve_unknown",
            "schedule": sweep_seconds,
            "options": {"expires": sweep_seconds},
        },
        "recover captures, voids and refunds": {
            "task": "payments.tasks.recover_actions",
            "schedule": sweep_seconds,
            "options": {"expires": sweep_seconds},
        },
        "expire authorizations": {
            "task": "payments.tasks.expire_authorizations",
            "schedule": crontab(minute="*/10"),
        },
        "restart stalled orders": {
            "task": "orders.tasks.restart_stalled_orders",
            "schedule": sweep_seconds,
            "options": {"expires": sweep_seconds},
        },
        "work processor events": {
            "task": "payments.tasks.work_processor_events",
            "schedule": sweep_seconds,
            "options": {"expires": sweep_seconds},
        },
        "catch up processor events": {
            "task": "payments.tasks.catch_up_processor_events",
            "schedule": crontab(minute=7),
        },
        "reap idempotency keys": {
            "task": "orders.tasks.reap_idempotency_keys",
            "schedule": crontab(hour=4, minute=0),
        },
        "resolve healed cases": {
            "task": "foundation.tasks.resolve_healed_cases",
            "schedule": sweep_seconds,
            "options": {"expires": sweep_seconds},
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
