"""Which trials a run makes: all of them, or those that were asked for, in a fixed order."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product, zip_longest
from typing import Final, TypeVar

from tests.crash import flows, incoming, outcomes
from tests.crash.flows import Flow
from tests.crash.outcomes import REQUESTS, Outcome
from tests.crash.plants import Plant
from tests.crash.points import Blow, Point, Side, Trial, Variant
from tests.crash.trial import Result

T = TypeVar("T")
Kill = tuple[Trial, int]  # the first blow, and the point of its recovery at which the second falls
_SIDES: Final[tuple[Side, ...]] = ("before", "after")
# What a small run tries beyond a healthy processor.
_NOTABLE: Final = {"decline", "timeout_after", "slow_answer"}
_NOTABLE_FLOWS: Final = {"checkout", "capture", "void"}


@dataclass(frozen=True)
class Wish:
    """What was asked for; empty means all. `sample` and `doubles` are drawn by `seed`."""

    flows: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    points: tuple[int, ...] = ()
    kind: str = ""
    sides: tuple[Side, ...] = ()
    second: Blow | None = None
    plant: str = ""
    sample: int = 0
    doubles: int = 0
    is_small: bool = False
    seed: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether every discovered point must be struck."""
        return self == Wish(doubles=self.doubles, seed=self.seed)

    def wants(self, point: Point) -> bool:
        """Whether blows at this point are wanted."""
        return point.ordinal in (self.points or (point.ordinal,)) and self.kind in ("", point.kind)

    def grants(self, flow: Flow, outcome: Outcome) -> bool:
        """Whether this pair is wanted."""
        if self.is_small and outcome is not outcomes.APPROVE:
            return flow.name in _NOTABLE_FLOWS and outcome.name in _NOTABLE
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
    for flow in flows.every().values():
        for outcome in flow.outcomes:
            if not wish.grants(flow, outcome):
                continue
            if reason := _why_not(flow, outcome):
                skipped.append(Skipped(flow.name, outcome.name, reason))
            else:
                found.append((flow, outcome))
    return found, skipped


def _why_not(flow: Flow, outcome: Outcome) -> str:
    return flow.why_not() or (incoming.why_not() if outcome.meanwhile == "webhook" else "")


def discoveries(wish: Wish, found: Sequence[tuple[Flow, Outcome]]) -> list[Trial]:
    """One run without a blow for each pair: it tells the points, and must be right by itself."""
    return [Trial(flow.name, outcome.name, plant=wish.plant) for flow, outcome in found]


def hunt(plant: Plant) -> Trial:
    """The same with a planted bug, where it does harm."""
    return Trial(plant.flow, plant.outcome, plant=plant.name)


def singles(wish: Wish, points: Sequence[Result]) -> list[Trial]:
    """One trial for every discovered point, side and variant; or a sample of them."""
    every = [trial for told in points for trial in _of_pair(wish, told)]
    return _sample(wish, every, wish.sample)


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
    points = points_of(told)
    for point in filter(wish.wants, points):
        for side, variant in product(_sides(wish, point, is_first=point == points[0]), variants):
            blow = Blow(point.ordinal, side, point.identity)
            first = told.trial
            yield Trial(first.flow, first.outcome, variant, blow, wish.second, first.plant)


def _sides(wish: Wish, point: Point, *, is_first: bool) -> list[Side]:
    """After one point is before the next: nothing that anybody else can see lies between.

    So each moment is tried once, unless points or sides were asked for.
    """
    is_chosen = bool(wish.points or wish.sides or wish.kind)
    sides = [side for side in point.sides if side in (wish.sides or (side,))]
    return [side for side in sides if is_chosen or is_first or side != "before"]


def _sample(wish: Wish, every: list[T], size: int) -> list[T]:
    """A repeatable choice of experiments, nothing secret; 0 is all of them."""
    if not size or size >= len(every):
        return every
    chosen = sorted(random.Random(wish.seed).sample(range(len(every)), size))
    return [every[nth] for nth in chosen]


def doubles(wish: Wish, tried: Sequence[Result]) -> list[Trial]:
    """Pairs of blows: any first one, and any point of the recovery that followed it.

    Up to its last work: whoever dies in a round that finds nothing leaves what he found.

    Each flow with each outcome has its share, as far as it has points: drawn from all of them,
    nearly all would fall into the few longest recoveries. A world that was met before has no
    recovery of its own whose points could be counted.
    """
    every = [
        (result.trial, ordinal)
        for result in tried
        if result.status == "ok"
        and result.trial.blow
        and not result.trial.second
        and not result.is_known
        for ordinal in range(result.recovery_points)
    ]
    return [
        Trial(first.flow, first.outcome, first.variant, first.blow, Blow(ordinal, _SIDES[nth % 2]))
        for nth, (first, ordinal) in enumerate(_shares(wish, every))
    ]


def _shares(wish: Wish, every: list[Kill]) -> list[Kill]:
    """As many as were wished for, taken in turn from each flow and outcome; in their old order."""
    heaps: dict[tuple[str, str], list[int]] = {}
    for nth, (first, _) in enumerate(every):
        heaps.setdefault((first.flow, first.outcome), []).append(nth)
    draw = random.Random(wish.seed)
    turns = zip_longest(*(draw.sample(heap, len(heap)) for heap in heaps.values()))
    in_turn = (nth for turn in turns for nth in turn if nth is not None)
    return [every[nth] for nth in sorted(islice(in_turn, wish.doubles))]


def moved(wish: Wish, tried: Sequence[Result], *, again: int) -> dict[Trial, Trial]:
    """For each double whose second point nobody came to, the same with an earlier one.

    Drawn by the seed, among those that no other double has.
    """
    taken, found = {result.trial for result in tried}, {}
    for nth, missed in enumerate(r.trial for r in tried if r.status == "unreached"):
        free = [each for each in _earlier(missed) if each not in taken]
        if free:
            found[missed] = random.Random(f"{wish.seed} {again} {nth}").choice(free)
            taken.add(found[missed])
    return found


def _earlier(trial: Trial) -> list[Trial]:
    """All doubles that strike an earlier point of the same recovery, on the same side."""
    last = trial.second
    before = range(last.ordinal if last else 0)
    return [replace(trial, second=Blow(nth, last.side)) for nth in before if last]
