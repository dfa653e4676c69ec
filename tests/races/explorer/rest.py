"""The way back to rest: whatever a race left open is finished by the sweeps and the relay."""

import datetime as dt
from typing import Final

from django.db import connection

from foundation import clock
from tests.stories import world

_ROUNDS_MAX: Final = 40
_OPEN: Final = """
    SELECT 'key ' || key, leased_until FROM foundation_idempotencykey WHERE state = 'in_progress'
    UNION ALL
    SELECT 'payment ' || id, greatest(leased_until, resolve_at) FROM payments_payment
    WHERE leased_until IS NOT NULL
    UNION ALL
    SELECT 'refund ' || id, greatest(leased_until, resolve_at) FROM payments_refund
    WHERE state = 'pending'
    UNION ALL
    SELECT 'news ' || external_id, due_at FROM payments_processorevent
    WHERE state IN ('received', 'parked')
    UNION ALL
    SELECT 'order ' || number, next_step_at FROM orders_order WHERE next_step_at IS NOT NULL
    UNION ALL
    SELECT 'event ' || type, due_at FROM events_outboxevent
    WHERE state IN ('pending', 'leased', 'retrying')
    ORDER BY 2
"""


class NoRest(AssertionError):
    """The sweeps and the relay go round and round, and something stays open."""


def come_to_rest() -> None:
    """Relay, sweep, and let time go by to the next thing that is due, until nothing is open.

    Raises `NoRest`.
    """
    for _ in range(_ROUNDS_MAX):
        left = _open()
        if not left:
            return
        if any(what.startswith("event") for what, due_at in left if due_at <= clock.now()):
            world.play_batch()
            continue
        _wait_until(left[0][1])
        world.sweep()
    raise NoRest(", ".join(f"{what} stays open" for what, _ in left))


def _open() -> list[tuple[str, dt.datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(_OPEN)
        return cursor.fetchall()


def _wait_until(moment: dt.datetime) -> None:
    missing = moment - clock.now()
    if missing > dt.timedelta():
        clock.move(missing + dt.timedelta(milliseconds=1))
