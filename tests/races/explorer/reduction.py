"""Of schedules that can not differ, only one is played.

Take a schedule that takes the turn from X before its step s, and lets others move until X goes
on with s. If nothing that they did meanwhile meets s (see `footprints`), then s may as well come
before them: X is stopped one step later, nothing else changes, and there are no more preemptions
than before. Whoever does that again and again ends at a schedule in which each preemption is
before a step that meets something done before X goes on: each time one turn grows and those
before it stay, which has an end. Only such schedules are played:

- one in which X goes on although nothing met its step is left, with all that begin like it;
- X is not stopped before a step that meets nothing that the others were ever seen to do from
  there on. What was left for this reason is taken up again as soon as somebody does more.

So every schedule within the bound is either played or may change into one that is.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.races.explorer.footprints import EMPTY, Footprint, footprints
from tests.races.explorer.schedules import Choice


@dataclass(frozen=True)
class _Branch:
    """Another schedule, and before which step it takes the turn from whom."""

    turns: tuple[str, ...]
    preemptions: int
    stopped: str | None
    step: Footprint
    done: Mapping[str, int]  # how many steps each had taken


class Reduction:
    """The branches of one exploration; in the place of `schedules.others`."""

    def __init__(self, *, bound: int) -> None:
        self._bound = bound
        self._left: list[_Branch] = []
        # Each step that somebody was seen to take, and as his how-many-eth the latest.
        self._seen: dict[str, dict[Footprint, int]] = {}

    def __call__(
        self, choices: Sequence[Choice], *, given: int
    ) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Those of this run, and those of earlier runs which it shows to matter."""
        steps = footprints(choices)
        self._learn(choices, steps)
        found = [b for b in _branches(choices, steps, given) if b.preemptions <= self._bound]
        every = self._left + found
        self._left = [branch for branch in every if not self._matters(branch)]
        left = set(map(id, self._left))
        return ((b.preemptions, b.turns) for b in every if id(b) not in left)

    def _learn(self, choices: Sequence[Choice], steps: Sequence[Footprint]) -> None:
        taken: Counter[str] = Counter()
        for choice, step in zip(choices, steps, strict=True):
            taken[choice.who] += 1
            seen = self._seen.setdefault(choice.who, {})
            seen[step] = max(seen.get(step, 0), taken[choice.who])

    def _matters(self, branch: _Branch) -> bool:
        return branch.stopped is None or any(
            nth > branch.done.get(name, 0) and step.meets(branch.step)
            for name, seen in self._seen.items()
            if name != branch.stopped
            for step, nth in seen.items()
        )


def _branches(
    choices: Sequence[Choice], steps: Sequence[Footprint], given: int
) -> Iterator[_Branch]:
    """Every branch but those in which somebody goes on although nothing met his step."""
    spent, done = 0, Counter[str]()
    unmet: dict[str, Footprint] = {}  # who was stopped, before which step
    for at, choice in enumerate(choices):
        if at >= given:
            yield from _here(choices, steps, at, spent, done, unmet)
        if choice.last and choice.preempts(choice.who):
            spent += 1
            unmet[choice.last] = _next(choices, steps, at, choice.last)
        if choice.who in unmet:
            return
        unmet = {name: step for name, step in unmet.items() if not step.meets(steps[at])}
        done[choice.who] += 1


def _here(
    choices: Sequence[Choice],
    steps: Sequence[Footprint],
    at: int,
    spent: int,
    done: Counter[str],
    unmet: Mapping[str, Footprint],
) -> Iterator[_Branch]:
    """The branches of one step."""
    choice = choices[at]
    before = tuple(earlier.who for earlier in choices[:at])
    for who in choice.able:
        if who == choice.who or who in unmet:
            continue
        stopped = choice.last if choice.preempts(who) else None
        step = _next(choices, steps, at, stopped) if stopped else EMPTY
        yield _Branch((*before, who), spent + (stopped is not None), stopped, step, dict(done))


def _next(choices: Sequence[Choice], steps: Sequence[Footprint], at: int, who: str) -> Footprint:
    """The step before which somebody stands, and of those who wait, who may go on within it."""
    step = steps[next(n for n in range(at, len(choices)) if choices[n].who == who)]
    for waiting in choices[at].waiting:
        step |= steps[max(n for n in range(at) if choices[n].who == waiting)]
    return step
