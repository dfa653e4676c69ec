"""The rest of the house, driven to rest: every sweep, the relay, the workers, and time."""

from collections.abc import Callable
from typing import Final

from django.conf import settings

from tests.crash import broker
from tests.crash.probe import Work
from tests.crash.scene import Scene

ROUNDS_MAX: Final = 10
# They look at what is there, or have something to compare on each new day: no rest for these.
_ONLY_LOOK: Final = (
    "check_invariants",
    "check_all_invariants",
    "canary",
    "reconcile_days",
    "measure_gap",
)
# Nobody compares books or counts visits in a flow: their sweeps would find nothing, every round.
_NOT_THEIRS: Final = ("reconciliation.", "attribution.")
_BATCHES_MAX: Final = 20
# Seconds between rounds: past every lease, past the forward window, past every daily look. A
# quiet round goes on to the next stride. All ten rounds stay within a week, after which the
# processor lets a hold go by itself.
_STRIDES: Final = (76.0, 20 * 60.0, 25 * 3600.0)


# Asked before each round with its stride, and the rounds so far.
IsKnown = Callable[[int, int], bool]


class NoRest(Exception):
    """The house goes on working: something does not converge."""


def drain(scene: Scene, *, is_known: IsKnown | None = None) -> int:
    """Drive everything until nothing is done any more; returns the rounds it took.

    `is_known` is asked before each round whether what follows is known, and need not be done.

    The last round is the longest stride, and it changed no row, sent nothing and published
    nothing: that is what rest means, and draining once more can not differ from it. What lies
    on a person's desk may go on being looked at. Raises `NoRest` after ten rounds.
    """
    level = 0
    tell_everything(scene)
    scene.worked_until = len(scene.probe.points)
    for number in range(1, ROUNDS_MAX + 1):
        if is_known and is_known(level, number - 1):
            return number - 1
        work = _round(scene, _STRIDES[level])
        if work:
            scene.worked_until = len(scene.probe.points)
            continue
        level += 1
        if level == len(_STRIDES):
            return number
    if scene.is_parked():
        return ROUNDS_MAX
    raise NoRest(f"does not converge: still at work after {ROUNDS_MAX} rounds, last {work.last}")


def past_the_lease(scene: Scene) -> None:
    """What others do while one call takes longer than its lease."""
    tell_everything(scene)
    _round(scene, _STRIDES[0])


def _round(scene: Scene, seconds: float) -> Work:
    """Time goes by; each periodic job runs once, and what follows from it to its end.

    Sweeps run by hand: their windows are as short as the shortest stride, and would never meet.
    """
    work = scene.probe.work = Work()
    scene.later(seconds)
    for task in periodic_jobs():
        scene.run(task, by_hand=True)
    tell_everything(scene)
    return work


def tell_everything(scene: Scene) -> None:
    """Relay what is due and run every message, until none is left."""
    for _ in range(_BATCHES_MAX):
        if not scene.relay() + broker.work_off():
            return
    raise NoRest("the events do not come to an end")


def periodic_jobs() -> list[str]:
    """Every task of the timetable, in its order, but for those that only look or find nothing.

    The rules that they ask are asked by `tests.crash.parts`, less often.
    """
    tasks = [job["task"] for job in settings.CELERY_BEAT_SCHEDULE.values()]
    return [
        task for task in tasks if not task.endswith(_ONLY_LOOK) and not task.startswith(_NOT_THEIRS)
    ]
