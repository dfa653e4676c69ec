"""The parts that processes play in a trial: the one who dies, and those who go on.

Each part is a function of the bench, of the case so far, and of a line to the conductor
(`tests.crash.trial`), run in a process of its own.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import connection

from foundation.models import PeriodicRun
from payments.models import EventListing
from tests.crash import broker, imprint, plants, probe, world
from tests.crash.bench import ACTOR, WORLD, Bench
from tests.crash.case import Case, go_on
from tests.crash.forks import Line
from tests.crash.knowledge import Knowledge
from tests.crash.outcomes import REQUESTS
from tests.crash.points import Blow, Trial
from tests.crash.probe import Pause, Probe
from tests.crash.scene import Scene, a_stage
from tests.crash.verdict import called_inside, check

_BURIAL_SECONDS: Final = 5.0


def act(bench: Bench, case: Case, line: Line) -> None:
    """The one who dies: arranges unharmed, then acts until the blow, or to the end."""
    _settle_in(bench, case, ACTOR)
    bench.sandbox.forget()
    broker.forget()
    for diary in (PeriodicRun, EventListing):  # of other trials' time
        diary.objects.all().delete()
    line.say(since=imprint.first_transaction())
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
    go_on(scene, case)


def finish(bench: Bench, case: Case, line: Line) -> None:
    """The recovery that lives, and every check; says the verdict, '' when all is well.

    A world that was recovered from before, to the last row, is not driven again; and where one
    kill left a world that is known for the other variant as well, that one is told, too.
    """
    scene = _enter(bench, case, line)
    _wait_until_gone(ACTOR)
    broom = bench.broom(case.since)
    knowledge = Knowledge(bench.standstills, scene, case)
    if also := knowledge.of_others():
        line.say(also=also)
    told = knowledge.of_this() or knowledge.drive()
    if not _is_at_rest(told, case):
        broom.sweep(case.since)
    line.say(**told | {"verdict": told["verdict"] or called_inside(bench.recorder)})


def _is_at_rest(told: Mapping[str, Any], case: Case) -> bool:
    """Whether no sweep of a later trial will find anything of this one."""
    was_driven = not (told.get("is_known") or told.get("is_cut"))
    return was_driven and case.flow.settles and not told["parked"]


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
    check(scene, case)


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
