"""The parts that processes play in a trial: the one who dies, and those who go on.

Each part is a function of the bench, of the case so far, and of a line to the conductor
(`tests.crash.trial`), run in a process of its own.
"""

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.management import CommandError, call_command
from django.db import connection

from foundation.invariants import every_rule
from foundation.models import PeriodicRun
from payments.models import EventListing
from tests.crash import broker, facts, flows, invariants, plants, probe, standstill, world
from tests.crash.bench import ACTOR, WORLD, Bench
from tests.crash.flows import Flow
from tests.crash.forks import Line
from tests.crash.outcomes import REQUESTS, Outcome
from tests.crash.points import Blow, Trial
from tests.crash.probe import Pause, Probe, Work
from tests.crash.scene import Scene, Stage, a_stage

_BURIAL_SECONDS: Final = 5.0
_LEASE_IS_OVER_SECONDS: Final = 76.0
# What only the processor's bank can make true, and nobody pays out here.
_NOT_OURS: Final = ("receivable_is_paid_out",)
_RULES_EVERY: Final = 10  # the production rules look at every row there is


@dataclass
class Case:
    """A trial, and what is known of it so far: what the next process must be told."""

    trial: Trial
    stage: Stage | None = None
    since: int = 0  # the first transaction of this trial
    heard: list[dict[str, Any]] = field(default_factory=list)

    @property
    def flow(self) -> Flow:
        """The flow that is tried."""
        return flows.every()[self.trial.flow]

    @property
    def outcome(self) -> Outcome:
        """What the processor does."""
        return self.flow.outcome(self.trial.outcome)


def act(bench: Bench, case: Case, line: Line) -> None:
    """The one who dies: arranges unharmed, then acts until the blow, or to the end."""
    _settle_in(bench, case, ACTOR)
    bench.sandbox.forget()
    broker.forget()
    for diary in (PeriodicRun, EventListing):  # of other trials' time
        diary.objects.all().delete()
    line.say(since=standstill.first_transaction())
    case.stage = a_stage(payment_method=case.flow.card(case.outcome))
    scene = _scene(bench, case, line, blow=case.trial.blow, pause=_pause(case))
    case.flow.arrange(scene)
    line.say(stage=case.stage.as_json())
    if fault := case.flow.fault(case.outcome):
        scene.fault(case.flow.strikes, fault, seconds=case.outcome.seconds)
    scene.probe.arm()
    try:
        case.flow.act(scene)
    except Exception as error:  # noqa: BLE001 - the process lives, and sees what it sees
        line.say(raised=repr(error))
    line.say(points=[(point.kind, point.text) for point in scene.probe.points])


def meanwhile(bench: Bench, case: Case, line: Line) -> None:
    """While one call takes its time: others go past its lease, or the processor's event comes."""
    scene = _enter(bench, case, line)
    if case.outcome.meanwhile == "webhook":
        scene.deliver_events()
        world.tell_everything(scene)
    else:
        world.past_the_lease(scene)


def recover(bench: Bench, case: Case, line: Line) -> None:
    """The first of two recoveries: it will be killed."""
    scene = _enter(bench, case, line, blow=case.trial.second)
    _wait_until_gone(ACTOR)
    scene.probe.arm()
    _go_on(scene, case)


def finish(bench: Bench, case: Case, line: Line) -> None:
    """The recovery that lives, and every check; says the verdict, '' when all is well.

    A world that was recovered from before, to the last row, is not driven again.
    """
    scene = _enter(bench, case, line)
    _wait_until_gone(ACTOR)
    broom = bench.broom(case.since)
    if not _may_be_known(case):
        line.say(**_drive(bench, case, scene))
        return
    left = standstill.fingerprint(scene, case.trial, since=case.since)
    if (known := bench.standstills.known(left)) is not None:
        broom.sweep(case.since)
        line.say(**(known | {"verdict": _called_inside(bench)}), is_known=True)
        return
    told = _drive(bench, case, scene)
    if not told["verdict"]:
        bench.standstills.remember(left, told)
    line.say(**told)


def _may_be_known(case: Case) -> bool:
    """One blow, nothing planted: a run without a blow and a second blow are always driven."""
    trial = case.trial
    return trial.blow is not None and trial.second is None and not trial.plant


def _drive(bench: Bench, case: Case, scene: Scene) -> dict[str, Any]:
    """To rest, and every rule."""
    scene.probe.arm()
    try:
        rounds = _rest(scene, case)
        recovery = len(scene.probe.points)
        scene.probe.disarm()
        verdict = _verdict(scene, case)
    except (world.NoRest, broker.MessagesWithoutEnd) as error:
        rounds, recovery, verdict = world.ROUNDS_MAX, 0, str(error)
    verdict = verdict or _called_inside(bench)
    return {
        "verdict": verdict, "rounds": rounds, "recovery": recovery, "parked": scene.is_parked(),
    }  # fmt: skip


def _called_inside(bench: Bench) -> str:
    inside = bench.recorder.called_inside
    return "a5: the processor was called inside a transaction" if inside else ""


PARTS: Final[Mapping[str, Callable[[Bench, Case, Line], None]]] = {
    "act": act,
    "meanwhile": meanwhile,
    "recover": recover,
    "finish": finish,
}


def rehearse(bench: Bench, line: Line) -> None:
    """Everything once in one process, without an instrument."""
    case = Case(Trial("checkout", "approve"))
    bench.settle_in(case.outcome, name=WORLD)
    case.stage = a_stage()
    scene = _scene(bench, case, line)
    case.flow.act(scene)
    for _ in range(3):
        world.past_the_lease(scene)
    _check(scene, case)


def _settle_in(bench: Bench, case: Case, name: str) -> None:
    bench.settle_in(case.outcome, name=name)
    plants.plant(case.trial.plant)


def _enter(bench: Bench, case: Case, line: Line, *, blow: Blow | None = None) -> Scene:
    """Another process takes over, at the time at which the last one ended."""
    _settle_in(bench, case, WORLD)
    bench.recorder.resume_clock()
    bench.recorder.points = bench.recorder.struck = 0
    return _scene(bench, case, line, blow=blow)


def _scene(
    bench: Bench, case: Case, line: Line, *, blow: Blow | None = None, pause: Pause | None = None
) -> Scene:
    assert case.stage is not None
    instrument = Probe(line, bench.recorder, blow=blow, pause=pause)
    probe.install(instrument)
    return Scene(
        stage=case.stage, outcome=case.outcome, probe=instrument, line=line, heard=case.heard,
        recorder=bench.recorder, sandbox=bench.sandbox,
    )  # fmt: skip


def _pause(case: Case) -> Pause | None:
    if not case.outcome.meanwhile:
        return None
    return Pause(REQUESTS[case.flow.strikes], case.outcome.pause)


def _rest(scene: Scene, case: Case) -> int:
    """To rest: from the blow on, or from where a killed recovery left it."""
    return _go_on(scene, case) if case.trial.second is None else world.drain(scene)


def _go_on(scene: Scene, case: Case) -> int:
    if case.trial.variant == "never":
        broker.forget()
    else:
        broker.redeliver()
        _come_back(scene, case)
    return world.drain(scene)


def _come_back(scene: Scene, case: Case) -> None:
    """The client repeats: at once, and when the dead one's lease is over."""
    if case.flow.again is not None:
        case.flow.again(scene)
        scene.later(_LEASE_IS_OVER_SECONDS)
        case.flow.again(scene)


def _verdict(scene: Scene, case: Case) -> str:
    verdict = _check(scene, case)
    if not verdict:
        _replay(scene, case)
        verdict = _check(scene, case)
    return verdict or _production_rules(case)


def _replay(scene: Scene, case: Case) -> None:
    """Every key once more, twice; a request that never was is a new one, and is driven to rest."""
    work = scene.probe.work = Work()
    _repeat(scene, case)
    if work:
        world.drain(scene)
    _repeat(scene, case)


def _repeat(scene: Scene, case: Case) -> None:
    scene.buy()
    if case.flow.again is not None:
        case.flow.again(scene)


def _check(scene: Scene, case: Case) -> str:
    found = facts.gather(scene.stage, scene.sandbox, case.heard)
    parked = scene.is_parked()
    settles = case.flow.settles and not parked
    applying = invariants.rules(settles=settles, keeps_keys=case.flow.keeps_keys)
    verdict = invariants.first_violated(found, applying)
    if verdict or parked:
        return verdict
    return verdict or next(
        (f"expected: {why}" for why in case.flow.expect(found, case.outcome)), ""
    )


def _production_rules(case: Case) -> str:
    """The rules that run in production, now and then: over all rows, whoever they belong to."""
    blow = case.trial.blow
    if blow is not None and (blow.side != "after" or blow.ordinal % _RULES_EVERY):
        return ""
    names = [rule.name for rule in every_rule() if rule.name not in _NOT_OURS]
    said = io.StringIO()
    try:
        call_command("check_invariants", *names, stdout=said, stderr=said)
    except CommandError as refusal:
        return f"{said.getvalue()[-2000:]}\ncheck_invariants: {refusal}"
    return ""


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
    raise TimeoutError(f"{name} is still connected")
