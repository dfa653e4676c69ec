"""The sandbox's time: the machine's, moved by as much as a test asked for.

Holds run out, refunds settle and events are dated by it. How far it was moved is in the journal,
so a restart does not turn the time back.
"""

import time

_moved = 0.0


def now() -> float:
    """Unix seconds."""
    return time.time() + _moved


def move(seconds: float) -> float:
    """Moves the time on; returns by how much it is moved altogether."""
    global _moved  # noqa: PLW0603 one clock for one process
    _moved += seconds
    return _moved


def set_to(moved: float) -> None:
    """As an earlier life of this journal left it."""
    global _moved  # noqa: PLW0603
    _moved = moved
