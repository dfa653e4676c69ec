"""Which trials a run makes: all of them, or those that were asked for, in a fixed order."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from tests.crash import flows, incoming
from tests.crash.flows import Flow
from tests.crash.outcomes import REQUESTS, Outcome
from tests.crash.points import Blow, Point, Side, Trial, Variant
from tests.crash.trial import Result

_SIDES: Final[tuple[Side, ...]] = ("before", "after")


@dataclass(frozen=True)
class Wish:
    """What was asked for; empty means all."""

    flows: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    points: tuple[int, ...] = ()
    sides: tuple[Side, ...] = ()
    every: int = 1
    doubles: int = 0
    second: Blow | None = None
    seed: int = 1

    def grants(self, flow: Flow, outcome: Outcome) -> bool:
        """Whether this pair is wanted."""
        return flow.name in (self.flows or (flow.name,)) and outcome.name in (
            self.outcomes or (outcome.name,)
        )


@dataclass(frozen=True)
class Skipped:
    """A pair that can not be tried yet, and why."""

    flow: str
    outcome: str
    reason: str


def pairs(wish: Wish) -> tuple[list[tuple[Flow, Outcome]], list[Skipped]]:
    """Every flow with every outcome that applies to it; and those that must wait."""
    found, skipped = [], []
    reason = incoming.why_not()
    for flow in flows.every().values():
        for outcome in flow.outcomes:
            if not wish.grants(flow, outcome):
                continue
            if outcome.meanwhile == "webhook" and reason:
                skipped.append(Skipped(flow.name, outcome.name, reason))
            else:
                found.append((flow, outcome))
    return found, skipped


def discoveries(found: Sequence[tuple[Flow, Outcome]]) -> list[Trial]:
    """One run without a blow for each pair: it tells the points, and must be right by itself."""
    return [Trial(flow.name, outcome.name) for flow, outcome in found]


def singles(wish: Wish, points: Sequence[Result]) -> list[Trial]:
    """One trial for every discovered point, side and variant."""
    return [trial for told in points for trial in _of_pair(wish, told)]


def points_of(told: Result) -> list[Point]:
    """The points that a run without a blow told of, as far as this outcome can matter at them."""
    flow = flows.every()[told.trial.flow]
    outcome = flow.outcome(told.trial.outcome)
    found = [Point(nth, kind, text) for nth, (kind, text) in enumerate(told.points)]
    if outcome.needs_the_call:
        request = REQUESTS[flow.strikes]
        calls = [p.ordinal for p in found if p.kind == "call" and request.match(p.text)]
        found = found[calls[0] :] if calls else []
    return found


def _of_pair(wish: Wish, told: Result) -> Iterator[Trial]:
    flow = flows.every()[told.trial.flow]
    variants = [v for v in flow.variants if v in (wish.variants or (v,))]
    chosen = [p for p in points_of(told) if p.ordinal in (wish.points or (p.ordinal,))]
    for nth, point in enumerate(chosen):
        if nth % wish.every:
            continue
        sides = [side for side in point.sides if side in (wish.sides or (side,))]
        for side, variant in product(sides, variants):
            blow = Blow(point.ordinal, side, point.identity)
            yield Trial(flow.name, told.trial.outcome, variant, blow, wish.second)


def doubles(wish: Wish, tried: Sequence[Result]) -> list[Trial]:
    """Pairs of blows: any first one, and any point of the recovery that followed it, drawn evenly."""
    weighted = [r for r in tried if r.status == "ok" and r.trial.blow and r.recovery_points]
    if not weighted or not wish.doubles:
        return []
    # Drawn by the seed only: a repeatable choice of experiments, nothing secret.
    draw = random.Random(wish.seed)
    weights = [result.recovery_points for result in weighted]
    chosen: dict[Trial, None] = {}
    most = min(wish.doubles, sum(weights))
    while len(chosen) < most:
        (first,) = draw.choices(weighted, weights)
        second = Blow(draw.randrange(first.recovery_points), draw.choice(_SIDES))
        trial = first.trial
        chosen[Trial(trial.flow, trial.outcome, trial.variant, trial.blow, second)] = None
    return list(chosen)
