"""One trial: a process runs the flow and dies; the world goes on; everything is checked.

    actor   arranges (unharmed), then acts until the blow. It never returns by itself, unless
            only an acknowledgement is lost.
    world   another process: the client repeats, or nobody comes; sweeps, relay and workers to a
            fixpoint with the clock moved; all rules; the key replayed; all rules; once more,
            when nothing may change. In a double crash it is killed as well, and a third
            process begins where it ended.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.management import call_command, get_commands
from django.db import connection

from foundation import clock
from foundation.models import PeriodicRun
from tests.crash import broker, facts, flows, incoming, invariants, world
from tests.crash.bench import ACTOR, WORLD, Bench
from tests.crash.flows import Flow
from tests.crash.forks import Ending, Line, Message, in_a_child
from tests.crash.outcomes import REQUESTS, Outcome
from tests.crash.points import Blow, Trial
from tests.crash.probe import Differs, Pause, Probe, Work, install
from tests.crash.scene import Scene, Stage, a_stage

_DIFFERS: Final = f"{Differs.__module__}.{Differs.__name__}"
_TRIES: Final = 3
_BURIAL_SECONDS: Final = 5.0
_LEASE_IS_OVER_SECONDS: Final = 61.0


@dataclass
class Result:
    """What came of a trial. `status`: ok, violated, unreached or broken (the harness's fault)."""

    trial: Trial
    status: str = "ok"
    detail: str = ""
    points: list[tuple[str, str]] = field(default_factory=list)
    recovery_points: int = 0
    rounds: int = 0
    tries: int = 1
    milliseconds: float = 0.0


class Unreached(Exception):
    """The process did not come to the point where it was to die."""


class Broken(Exception):
    """A child could not do its part, for a reason that is not the blow."""


def rehearse(bench: Bench) -> None:
    """Do everything once in this process, and close every connection: children begin warm.

    What a process does for the first time (imports, patterns, templates, SQL) costs more than
    a trial; and none may inherit a connection.
    """
    rehearsal = _Run(bench, Trial("checkout", "approve"), Result(Trial("checkout", "approve")))
    bench.recorder.clear()
    with open(os.devnull, "wb") as nobody:  # noqa: PTH123 - a device
        line = Line(mouth=nobody.fileno(), ear=-1)
        rehearsal.rehearse(line)
    bench.disconnect()
    clock.reset()


def run(bench: Bench, trial: Trial) -> Result:
    """Run one trial to its verdict; again when a loaded machine made it miss its point."""
    started = time.monotonic()
    result = Result(trial)
    for result.tries in range(1, _TRIES + 1):
        result.status, result.detail = "ok", ""
        try:
            _Run(bench, trial, result).run()
        except Unreached as error:
            result.status, result.detail = "unreached", str(error)
        except Broken as error:
            result.status, result.detail = "broken", str(error)
        if result.status != "ok":
            bench.renew()
        if result.status in ("ok", "violated"):
            break
    result.milliseconds = (time.monotonic() - started) * 1000
    return result


class _Run:
    def __init__(self, bench: Bench, trial: Trial, result: Result) -> None:
        self.bench, self.trial, self.result = bench, trial, result
        self.flow: Flow = flows.every()[trial.flow]
        self.outcome: Outcome = self.flow.outcome(trial.outcome)
        self.stage: Stage | None = None
        self.heard: list[dict[str, Any]] = []

    def run(self) -> None:
        self.bench.recorder.clear()
        actor = self._fork(self._act)
        self._bury(actor, self.trial.blow)
        self.result.points = [tuple(point) for told in actor.told("points") for point in told]
        if self.trial.second:
            self._bury(self._fork(self._recover), self.trial.second)
        self._judge(self._fork(self._finish))
        if not self.flow.settles:
            self.bench.renew()

    def rehearse(self, line: Line) -> None:
        """All parts in one process, without an instrument."""
        self.bench.settle_in(self.outcome, name=WORLD)
        self.stage = a_stage()
        scene = self._scene(line, probe=Probe(line, self.bench.recorder))
        self.flow.act(scene)
        for _ in range(3):
            world.past_the_lease(scene)
        self._check(scene)

    def _fork(self, part: Callable[[Line], None]) -> Ending:
        ending = in_a_child(part, on_message=self._hear)
        self.bench.recorder.read()
        for error in ending.told("error"):
            *_, last = error.strip().splitlines()
            raise Unreached(last) if last.startswith(_DIFFERS) else Broken(error)
        if ending.signal and not ending.was_killed:
            raise Broken(f"a child ended by signal {ending.signal} (14: it hung)")
        return ending

    def _hear(self, message: Message) -> None:
        """What the process after it must know, as soon as it is said."""
        if "stage" in message:
            self.stage = Stage(**message["stage"])
        if "heard" in message:
            self.heard.append(message["heard"])
        if "paused" in message:
            self._meanwhile()

    def _bury(self, ending: Ending, blow: Blow | None) -> None:
        """Make sure that it died where it should, or lived on where it should."""
        if blow is None:
            return
        if not self.bench.recorder.struck:
            raise Unreached(f"ended after {self.bench.recorder.points} points")
        if ending.was_killed == (blow.side == "lost"):
            raise Broken(f"side {blow.side}, and killed is {ending.was_killed}")

    # --- the one who dies ------------------------------------------------------------------

    def _act(self, line: Line) -> None:
        self.bench.settle_in(self.outcome, name=ACTOR)
        self.bench.sandbox.heal()
        broker.forget()
        PeriodicRun.objects.all().delete()
        self.stage = a_stage(payment_method=self.flow.card(self.outcome))
        scene = self._scene(line, probe=self._installed(line, self.trial.blow, self._pause()))
        self.flow.arrange(scene)
        line.say(stage=self.stage.as_json())
        if fault := self.flow.fault(self.outcome):
            scene.fault(self.flow.strikes, fault, seconds=self.outcome.seconds)
        scene.probe.arm()
        try:
            self.flow.act(scene)
        except Exception as error:  # noqa: BLE001 - the process lives, and sees what it sees
            line.say(raised=repr(error))
        line.say(points=[(point.kind, point.text) for point in scene.probe.points])

    def _pause(self) -> Pause | None:
        if not self.outcome.meanwhile:
            return None
        return Pause(REQUESTS[self.flow.strikes], self.outcome.pause)

    def _installed(self, line: Line, blow: Blow | None, pause: Pause | None = None) -> Probe:
        probe = Probe(line, self.bench.recorder, blow=blow, pause=pause)
        install(probe)
        return probe

    def _scene(self, line: Line, *, probe: Probe) -> Scene:
        assert self.stage is not None
        return Scene(
            stage=self.stage, outcome=self.outcome, probe=probe, line=line, heard=self.heard,
            recorder=self.bench.recorder, sandbox=self.bench.sandbox,
        )  # fmt: skip

    # --- the others ------------------------------------------------------------------------

    def _meanwhile(self) -> None:
        """While one call takes its time: others go past its lease, or the processor's event comes."""
        recorder = self.bench.recorder
        recorder.read()
        before = (recorder.points, recorder.struck)

        def work(line: Line) -> None:
            scene = self._enter(line)
            if self.outcome.meanwhile == "webhook":
                incoming.deliver(self.bench.sandbox, scene.payment_reference())
            else:
                world.past_the_lease(scene)

        errors = in_a_child(work).told("error")
        recorder.read()
        recorder.points, recorder.struck = before
        recorder.write()
        if errors:
            raise Broken(errors[0])

    def _enter(self, line: Line, *, blow: Blow | None = None) -> Scene:
        self.bench.settle_in(self.outcome, name=WORLD)
        self.bench.recorder.resume_clock()
        self.bench.recorder.points = self.bench.recorder.struck = 0
        return self._scene(line, probe=self._installed(line, blow))

    def _recover(self, line: Line) -> None:
        """The first of two recoveries: it will be killed."""
        _wait_until_gone(ACTOR)
        scene = self._enter(line, blow=self.trial.second)
        scene.probe.arm()
        self._go_on(scene)

    def _go_on(self, scene: Scene) -> None:
        if self.trial.variant == "never":
            broker.forget()
        else:
            broker.redeliver()
            self._come_back(scene)
        self.result.rounds = world.drain(scene)

    def _come_back(self, scene: Scene) -> None:
        """The client repeats: at once, and when the dead one's lease is over."""
        if self.flow.again is None:
            return
        self.flow.again(scene)
        scene.later(_LEASE_IS_OVER_SECONDS)
        self.flow.again(scene)

    def _finish(self, line: Line) -> None:
        """The recovery that lives, and every check."""
        scene = self._enter(line)
        _wait_until_gone(ACTOR if self.trial.second is None else WORLD)
        scene.probe.arm()
        try:
            verdict = self._finish_and_check(scene)
        except world.NoRest as error:
            verdict = str(error)
        if not verdict and self.bench.recorder.called_inside:
            verdict = "a5: the processor was called inside a transaction"
        line.say(verdict=verdict, rounds=self.result.rounds, recovery=self.result.recovery_points)

    def _finish_and_check(self, scene: Scene) -> str:
        if self.trial.second is None:
            self._go_on(scene)
        else:
            self.result.rounds = world.drain(scene)
        self.result.recovery_points = len(scene.probe.points)
        scene.probe.disarm()
        verdict = self._check(scene)
        if not verdict:
            self._replay(scene)
            verdict = self._check(scene)
        if not verdict:
            world.assert_rest(scene)
            verdict = self._check(scene) or self._production_rules()
        return verdict

    def _replay(self, scene: Scene) -> None:
        """The key once more, twice; a request that never was is a new one, and is driven to rest."""
        work = scene.probe.work = Work()
        scene.buy()
        if work:
            world.drain(scene)
        scene.buy()

    def _check(self, scene: Scene) -> str:
        found = facts.gather(scene.stage, scene.sandbox, self.heard)
        flow = self.flow
        applying = invariants.rules(settles=flow.settles, keeps_keys=flow.keeps_keys)
        verdict = invariants.first_violated(found, applying)
        return verdict or next((f"expected: {why}" for why in flow.expect(found, self.outcome)), "")

    def _production_rules(self) -> str:
        """The rules that run in production, if they are there, now and then: over all rows."""
        if "check_invariants" not in get_commands() or self.trial.blow is not None:
            return ""
        try:
            call_command("check_invariants")
        except SystemExit as refusal:
            return f"check_invariants ended with {refusal.code}" if refusal.code else ""
        return ""

    def _judge(self, ending: Ending) -> None:
        told = next((m for m in ending.messages if "verdict" in m), None)
        if told is None:
            raise Broken(f"the checking process ended without a verdict (signal {ending.signal})")
        self.result.rounds = told["rounds"]
        self.result.recovery_points = told["recovery"]
        if told["verdict"]:
            self.result.status, self.result.detail = "violated", told["verdict"]


def _wait_until_gone(name: str) -> None:
    """A killed process's locks are held until its server process notices: within milliseconds."""
    deadline = time.monotonic() + _BURIAL_SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
                " AND datname = current_database() AND pid <> pg_backend_pid()",
                [name],
            )
            if cursor.fetchone() == (0,):
                return
            time.sleep(0.002)
    raise Broken(f"{name} is still connected")
