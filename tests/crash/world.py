"""The rest of the house, driven to rest: every sweep, the relay, the workers, and time."""

from typing import Final

from django.conf import settings

from tests.crash import broker
from tests.crash.probe import Work
from tests.crash.scene import Scene

ROUNDS_MAX: Final = 10
_ONLY_LOOK: Final = ("check_invariants", "check_all_invariants", "canary")
_BATCHES_MAX: Final = 20
# Seconds between rounds: past every lease, past the forward window, past every daily look. A
# quiet round goes on to the next; the last one quiet is rest. All ten rounds
# stay within a week, after which the processor lets a hold go by itself.
_STRIDES: Final = (61.0, 20 * 60.0, 25 * 3600.0)
# At the very end a single stride past everything must find nothing to do.
_LAST_STRIDE: Final = 26 * 3600.0


class NoRest(Exception):
    """The house goes on working: something does not converge."""


def drain(scene: Scene) -> int:
    """Drive everything until nothing is done any more; returns the rounds it took.

    What lies on a person's desk may go on being looked at. Raises `NoRest` after ten rounds.
    """
    level = 0
    for number in range(1, ROUNDS_MAX + 1):
        work = _round(scene, _STRIDES[level])
        if work:
            continue
        level += 1
        if level == len(_STRIDES):
            return number
    if scene.is_parked():
        return ROUNDS_MAX
    raise NoRest(f"does not converge: still at work after {ROUNDS_MAX} rounds, last {work.last}")


def assert_rest(scene: Scene) -> None:
    """One round more must change nothing. Raises `NoRest`."""
    work = _round(scene, _LAST_STRIDE)
    if work:
        raise NoRest(f"draining once more changed something: {work.last or work}")


def past_the_lease(scene: Scene) -> None:
    """What others do while one call takes longer than its lease."""
    _round(scene, _STRIDES[0])


def _round(scene: Scene, seconds: float) -> Work:
    """What is due now; then time goes by, each periodic job runs once, and what follows from it."""
    work = scene.probe.work = Work()
    tell_everything(scene)
    scene.later(seconds)
    for task in periodic_jobs():
        scene.run(task)
    tell_everything(scene)
    return work


def tell_everything(scene: Scene) -> None:
    """Relay what is due and run every message, until none is left."""
    for _ in range(_BATCHES_MAX):
        if not scene.relay() + broker.work_off():
            return
    raise NoRest("the events do not come to an end")


def periodic_jobs() -> list[str]:
    """Every task of the timetable, in its order, but for those that only look.

    The rules that they ask are asked by `tests.crash.parts`, less often.
    """
    tasks = [job["task"] for job in settings.CELERY_BEAT_SCHEDULE.values()]
    return [task for task in tasks if not task.endswith(_ONLY_LOOK)]
