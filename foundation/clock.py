"""The one clock: every deadline, lease and schedule in the house is read from here.

Tests move it, and the demo's nights in a process of their own; nothing else does. SQL never
decides by its own `now()`, so that a moved clock moves every decision with it.
"""

import datetime as dt

_moved_by = dt.timedelta()


def now() -> dt.datetime:
    """The present moment, aware, in UTC."""
    return dt.datetime.now(dt.UTC) + _moved_by  # noqa: TID251 - the one place that asks


def move(by: dt.timedelta) -> None:
    """Move this process's clock (never a shop's): leases run out, deadlines pass."""
    global _moved_by  # noqa: PLW0603 - the clock is a process-wide thing by nature
    _moved_by += by


def reset() -> None:
    """Undo every `move`."""
    global _moved_by  # noqa: PLW0603
    _moved_by = dt.timedelta()
