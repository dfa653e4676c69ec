"""What is asked of a world at rest: every rule, the key replayed, every rule once more."""

import io
from typing import Final

from django.core.management import CommandError, call_command

from foundation.invariants import every_rule
from tests.crash import facts, invariants, world
from tests.crash.case import Case
from tests.crash.memory import FlightRecorder
from tests.crash.probe import Work
from tests.crash.scene import Scene

# What only the processor's bank can make true, and nobody pays out here.
_NOT_OURS: Final = ("receivable_is_paid_out",)
_RULES_EVERY: Final = 10  # the production rules look at every row there is


def verdict_on(scene: Scene, case: Case) -> str:
    """The first rule that does not hold, '' when all do."""
    verdict = check(scene, case)
    if not verdict:
        _replay(scene, case)
        verdict = check(scene, case)
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


def check(scene: Scene, case: Case) -> str:
    """The rules of the harness, as the world stands."""
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


def called_inside(recorder: FlightRecorder) -> str:
    """The one rule that rows can not tell: no call in a transaction."""
    inside = recorder.called_inside
    return "a5: the processor was called inside a transaction" if inside else ""
