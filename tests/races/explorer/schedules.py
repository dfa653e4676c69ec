"""Schedules: how they are written, how they are chosen, and how all of them are found.

Found by playing: a run says at each step who could have moved, and every other choice at every
step is the beginning of another schedule. What a schedule does not say is decided by the rule of
fewest preemptions: go on as long as you can, then let the next one go. So each schedule of at
most `bound` preemptions is played once, and none is left out.
(The method is CHESS's: Musuvathi and Qadeer, "Iterative context bounding", PLDI 2007.)
"""

import itertools
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Choice:
    """One step of a run: who moved, who else could have, and what was done."""

    who: str
    able: tuple[str, ...]
    last: str | None
    point: str
    waiting: tuple[str, ...] = ()  # for a lock; each goes on within the step that frees it

    def preempts(self, who: str) -> bool:
        """Whether choosing `who` here takes the turn away from somebody who could go on."""
        return self.last in self.able and who != self.last


class Script(Protocol):
    """Says who moves at a step."""

    def choose(self, step: int, able: Sequence[str], last: str | None) -> str:
        """One of `able`."""
        ...


class Branches(Protocol):
    """Says which other schedules a run leads to, each with its number of preemptions so far."""

    def __call__(
        self, choices: Sequence[Choice], *, given: int
    ) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Those that part from the run after its first `given` steps."""
        ...


class Diverged(Exception):
    """The schedule names somebody who can not move: the code did not do the same thing again."""


def go_on(able: Sequence[str], last: str | None) -> str:
    """Whoever moved last, while he can; then the next one in the order of names."""
    if last in able:
        return last
    later = [name for name in able if last is not None and name > last]
    return (later or list(able))[0]


@dataclass(frozen=True)
class Written:
    """A schedule as it is written down; beyond its end, whoever moves goes on."""

    turns: tuple[str, ...] = ()

    def choose(self, step: int, able: Sequence[str], last: str | None) -> str:
        """As it is written. Raises `Diverged` when that one can not move."""
        if step >= len(self.turns):
            return go_on(able, last)
        if self.turns[step] not in able:
            raise Diverged(f"step {step + 1}: {self.turns[step]} can not move, {able} can")
        return self.turns[step]


@dataclass
class Wandering:
    """A random walk: at each step somebody else gets the turn with one chance in `patience`."""

    seed: int
    patience: int = 4
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def choose(self, step: int, able: Sequence[str], last: str | None) -> str:
        """By the dice."""
        if last in able and self._dice.randrange(self.patience):
            return last
        return self._dice.choice(list(able))


def spelled(turns: Sequence[str]) -> str:
    """AAABA as A3BA: short enough for one line, and `parse` reads it back."""
    runs = [(name, len(list(group))) for name, group in itertools.groupby(turns)]
    return "".join(name if count == 1 else f"{name}{count}" for name, count in runs)


def parse(text: str) -> tuple[str, ...]:
    """A schedule as it is printed, or written out step by step. Raises `ValueError`."""
    if not re.fullmatch(r"([A-Z]\d*)*", text):
        raise ValueError(f"not a schedule: {text!r} (write A3BA or AAABA)")
    runs = re.findall(r"([A-Z])(\d*)", text)
    return tuple(name for name, count in runs for _ in range(int(count or 1)))


def essential(choices: Sequence[Choice]) -> tuple[str, ...]:
    """The shortest beginning of a run that makes the whole of it happen again."""
    needed = 0
    for step, choice in enumerate(choices):
        if choice.who != go_on(choice.able, choice.last):
            needed = step + 1
    return tuple(choice.who for choice in choices[:needed])


def others(choices: Sequence[Choice], *, given: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Every other schedule that parts from this run after its first `given` steps.

    Each with the number of preemptions it has so far.
    """
    spent = 0
    for step, choice in enumerate(choices):
        if step >= given:
            before = tuple(earlier.who for earlier in choices[:step])
            for who in choice.able:
                if who != choice.who:
                    yield spent + choice.preempts(who), (*before, who)
        spent += choice.preempts(choice.who)


def all_schedules(
    play: Callable[[tuple[str, ...]], Sequence[Choice]],
    *,
    bound: int,
    limit: int | None = None,
    seed: int = 0,
    branches: Branches = others,
) -> Iterator[tuple[str, ...]]:
    """Play every schedule with at most `bound` preemptions, fewest first; yields each one played.

    With a `limit`: a sample by `seed`, shared out evenly between the numbers of preemptions.
    """
    waiting: list[list[tuple[str, ...]]] = [[()], *([] for _ in range(bound))]
    played = 0
    for spent in range(bound + 1):
        dice = random.Random(seed) if limit is not None else None
        until = math.inf if limit is None else played + (limit - played) / (bound - spent + 1)
        while (level := next(filter(None, waiting[: spent + 1]), None)) and played < until:
            turns = level.pop(dice.randrange(len(level)) if dice else 0)
            for more, other in branches(play(turns), given=len(turns)):
                if more <= bound:
                    waiting[more].append(other)
            played += 1
            yield turns
