"""One trial: a process runs the flow and dies; the world goes on; everything is checked.

act       in a forked process: arranges (unharmed), then acts until the blow. It never
          returns by itself, unless only an acknowledgement is lost.
recover   (a double crash) in another: the client repeats, or nobody comes; sweeps, relay
          and workers; until it is killed as well.
finish    in a process that lives on from trial to trial: the same, to a fixpoint with the
          clock moved; all rules; the key replayed; all rules; once more, when nothing may
          change.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from foundation import clock
from tests.crash import parts
from tests.crash.bench import Bench
from tests.crash.case import Case
from tests.crash.forks import Ending, Line, Message, in_a_child
from tests.crash.points import Blow, Trial, Variant
from tests.crash.probe import Differs
from tests.crash.scene import Stage

Told = dict[str, Any]
_DIFFERS: Final = f"{Differs.__module__}.{Differs.__name__}"
_TRIES: Final = 3


@dataclass
class Result:
    """What came of a trial. `status`: ok, violated, unreached or broken (the harness's fault)."""

    trial: Trial
    status: str = "ok"
    detail: str = ""
    points: list[tuple[str, str]] = field(default_factory=list)
    recovery_points: int = 0  # until its last work: rounds that find nothing have nothing to break
    rounds: int = 0
    is_parked: bool = False
    is_known: bool = False  # it left a world that had been recovered from before
    is_cut: bool = False  # its recovery came by such a world
    # What is known of the same kill's other variants.
    also: dict[Variant, Told] = field(default_factory=dict)
    is_by_another: bool = False  # the other variant's kill left this one's world
    tries: int = 1
    milliseconds: float = 0.0

    def believe(self, told: Told) -> None:
        """What the world came to."""
        self.rounds, self.recovery_points = told["rounds"], told["recovery"]
        self.is_parked = told["parked"]
        self.is_known, self.is_cut = bool(told.get("is_known")), bool(told.get("is_cut"))

    def of_others(self) -> Iterator["Result"]:
        """The other variants of the same blow whose worlds are known: this kill was theirs, too."""
        for variant, told in self.also.items():
            other = Result(replace(self.trial, variant=variant), is_by_another=True)
            other.believe(told)
            yield other


class Unreached(Exception):
    """The process did not come to the point where it was to die."""


class Broken(Exception):
    """A process could not do its part, for a reason that is not the blow."""


def rehearse(bench: Bench) -> None:
    """Do everything once in this process, and close every connection: children begin warm.

    What a process does for the first time (imports, patterns, templates, SQL) costs more than
    a trial; and none may inherit a connection.
    """
    bench.recorder.clear()
    with open(os.devnull, "wb") as nobody:  # noqa: PTH123 - a device
        parts.rehearse(bench, Line(mouth=nobody.fileno(), ear=-1))
    bench.disconnect()
    clock.reset()


def run(bench: Bench, trial: Trial) -> Result:
    """Run one trial to its verdict; again when a loaded machine made it miss its point."""
    started = time.monotonic()
    result = Result(trial)
    for result.tries in range(1, _TRIES + 1):
        _try(bench, result)
        if result.status != "ok":
            bench.renew()
        if result.status in ("ok", "violated") or (result.status == "unreached" and trial.second):
            break  # a recovery that was shorter than it was counted: it is struck earlier (plan.py)
    result.milliseconds = (time.monotonic() - started) * 1000
    return result


def _try(bench: Bench, result: Result) -> None:
    result.status, result.detail = "ok", ""
    try:
        _Conductor(bench, result).conduct()
    except Unreached as error:
        result.status, result.detail = "unreached", str(error)
    except Broken as error:
        result.status, result.detail = "broken", str(error)


class _Conductor:
    """Starts each part, hears what it says, and tells the next one."""

    def __init__(self, bench: Bench, result: Result) -> None:
        self._bench, self._result = bench, result
        self._case = Case(result.trial)

    def conduct(self) -> None:
        trial, bench = self._case.trial, self._bench
        bench.recorder.clear()
        actor = self._fork("act")
        self._bury(actor, trial.blow)
        self._result.points = [tuple(point) for told in actor.told("points") for point in told]
        if trial.second:
            self._bury(self._fork("recover"), trial.second)
        self._judge(self._go_on("finish"))
        if trial.plant and (self._result.is_parked or not self._case.flow.settles):
            bench.renew()  # no process lived on that would have taken its rows away

    def _fork(self, part: str) -> Ending:
        """A process for this part alone: it may die."""
        work = partial(parts.PARTS[part], self._bench, self._case)
        return self._checked(in_a_child(work, on_message=self._hear))

    def _go_on(self, part: str) -> Ending:
        """The process that lives on; but one with a planted bug is not kept."""
        if self._case.trial.plant:
            return self._fork(part)
        return self._checked(self._bench.resident(parts.PARTS).ask(part, self._case, self._hear))

    def _checked(self, ending: Ending) -> Ending:
        self._bench.recorder.read()
        for error in ending.told("error"):
            *_, last = error.strip().splitlines()
            raise Unreached(last) if last.startswith(_DIFFERS) else Broken(error)
        if ending.signal and not ending.was_killed:
            raise Broken(f"a process ended by signal {ending.signal} (14: it hung)")
        return ending

    def _hear(self, message: Message) -> None:
        """What the process after it must know, as soon as it is said."""
        if "stage" in message:
            self._case.stage = Stage(**message["stage"])
        if "since" in message:
            self._case.since = message["since"]
        if "heard" in message:
            self._case.heard.append(message["heard"])
        if "also" in message:
            self._result.also = message["also"]
        if "paused" in message:
            self._let_the_world_go_on()

    def _let_the_world_go_on(self) -> None:
        recorder = self._bench.recorder
        recorder.read()
        before = (recorder.points, recorder.struck)
        self._go_on("meanwhile")
        recorder.points, recorder.struck = before
        recorder.write()

    def _bury(self, ending: Ending, blow: Blow | None) -> None:
        """Make sure that it died where it should, or lived on where it should."""
        if blow is None:
            return
        if not self._bench.recorder.struck:
            raise Unreached(f"ended after {self._bench.recorder.points} points")
        if ending.was_killed == (blow.side == "lost"):
            raise Broken(f"side {blow.side}, and killed is {ending.was_killed}")

    def _judge(self, ending: Ending) -> None:
        told = next((m for m in ending.messages if "verdict" in m), None)
        if told is None:
            raise Broken(f"the checking process ended without a verdict (signal {ending.signal})")
        self._result.believe(told)
        if told["verdict"]:
            self._result.status, self._result.detail = "violated", told["verdict"]
