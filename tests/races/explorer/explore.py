"""Play the schedules of one pair, and say what broke."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.management import call_command

from foundation import clock
from foundation.idempotency import Overtaken
from foundation.state_machine import IllegalTransition
from orders import rate_tables
from orders.models import TaxRate
from tests import builders
from tests.races.explorer import invariants
from tests.races.explorer.director import NAMES, Director, Run
from tests.races.explorer.pair import Pair
from tests.races.explorer.reduction import Reduction
from tests.races.explorer.rest import NoRest, come_to_rest
from tests.races.explorer.schedules import (
    Choice,
    Diverged,
    Script,
    Wandering,
    Written,
    all_schedules,
    essential,
    others,
    spelled,
)
from tests.races.explorer.stage import LOGGED
from tests.sandbox import Sandbox

BOUND: Final = 2
_TRIES: Final = 3
_LATE: Final = (Overtaken, IllegalTransition)  # whoever came second, and was told so
_FORGET_EVERY: Final = 20  # what a look-up has to read must not grow with the worlds before
COMMAND: Final = "python -m tests.races.explorer"


@dataclass(frozen=True)
class Violation:
    """One schedule after which something was wrong."""

    pair: str
    schedule: str
    broke: tuple[str, ...]
    preemptions: int
    is_control: bool = False

    def __str__(self) -> str:
        control = " --control" if self.is_control else ""
        return (
            f"{self.pair} {self.schedule or '-'}: {'; '.join(self.broke)} | repeat: "
            f"{COMMAND} --pair {self.pair} --schedule '{self.schedule}'{control}"
        )


@dataclass
class Found:
    """The numbers of one exploration."""

    pair: str
    is_control: bool = False
    is_sample: bool = False  # some of its schedules, drawn by the seed
    schedules: int = 0
    steps: int = 0
    longest: int = 0
    waits: int = 0
    conflicts: dict[str, int] = field(default_factory=dict)
    diverged: list[str] = field(default_factory=list)
    seconds: float = 0.0
    violations: list[Violation] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Schedules a second, arranging and checking included."""
        return self.schedules / self.seconds if self.seconds else 0.0

    def count(self, run: Run) -> None:
        """Add one run."""
        self.schedules += 1
        self.steps += len(run.choices)
        self.longest = max(self.longest, len(run.choices))
        self.waits += run.waits
        for code in run.conflicts:
            self.conflicts[code] = self.conflicts.get(code, 0) + 1


class Explorer:
    """One pair, with its guard or (`control`) without. Use it in a `with`."""

    def __init__(self, pair: type[Pair], sandbox: Sandbox, *, control: bool = False) -> None:
        self.pair, self.sandbox = pair, sandbox
        self.found = Found(pair.title(), is_control=control)
        self._guards: AbstractContextManager[Any] = pair.control() if control else nullcontext()
        self._director = Director(pair.players)

    def __enter__(self) -> "Explorer":
        if not TaxRate.objects.exists():
            builders.a_shop()
        self._director.__enter__()
        self._guards.__enter__()
        self._warm_up()
        return self

    def __exit__(self, *problem: Any) -> None:
        self._director.__exit__(*problem)
        if problem[0] or self.found.is_control or self.found.violations:
            clean()  # nothing broken stays, and the rules that a control took out come back
        self._guards.__exit__(*problem)

    def _warm_up(self) -> None:
        """Once for nothing: what a process reads only once must not be in the first run alone."""
        self.play(Written())
        self.found = Found(self.found.pair, is_control=self.found.is_control)

    def explore(
        self,
        *,
        limit: int | None = None,
        seed: int = 0,
        violations_max: int = 1,
        told: Callable[[Found], None] = lambda _: None,
        reduced: bool = True,
    ) -> Found:
        """Every schedule of at most `BOUND` preemptions (or `limit` of them), until it breaks.

        Of those that can not differ only one, unless they are not to be `reduced`.
        """
        schedules = all_schedules(
            self._choices_of,
            bound=BOUND,
            limit=limit,
            seed=seed,
            branches=Reduction(bound=BOUND) if reduced else others,
        )
        return self._count(schedules, violations_max, told)

    def _choices_of(self, turns: tuple[str, ...]) -> Sequence[Choice]:
        """Play one schedule. Who of two waiters goes first is PostgreSQL's: then it is tried again.

        One that can not be played is counted, and leads to no others.
        """
        for _ in range(_TRIES):
            try:
                return self.play(Written(turns)).choices
            except Diverged as diverged:
                self.found.diverged.append(f"{spelled(turns)}: {diverged}")
        return ()

    def wander(self, count: int, *, seed: int = 0) -> Found:
        """Random walks, with any number of preemptions; each can be repeated by its schedule."""
        walks = (self.play(Wandering(seed + number)).turns for number in range(count))
        return self._count(walks, 1, lambda _: None)

    def _count(
        self, schedules: Iterator[Any], violations_max: int, told: Callable[[Found], None]
    ) -> Found:
        began = time.monotonic()
        for _ in schedules:
            self.found.seconds = time.monotonic() - began
            told(self.found)
            if len(self.found.violations) >= violations_max:
                break
        return self.found

    def play(self, script: Script) -> Run:
        """One schedule in a world of its own, and what is wrong with that world afterwards."""
        if self.found.schedules % _FORGET_EVERY == 0:
            self.sandbox.forget()
        LOGGED.errors.clear()
        world = self.pair(self.sandbox)
        try:
            world.arrange()
            run = self._director.play(world.actors(), script)
            broke = tuple(_wrong(world, run))
        finally:
            clock.reset()
        self.found.count(run)
        if broke:
            schedule = spelled(essential(run.choices))
            self.found.violations.append(
                Violation(self.found.pair, schedule, broke, run.preemptions, self.found.is_control)
            )
        return run


def _wrong(world: Pair, run: Run) -> Iterator[str]:
    """What the run did wrong by itself, then what is wrong once the world is at rest."""
    world.conflicts = run.conflicts
    for name, ended in zip(NAMES, run.ended, strict=False):
        if ended.error is not None and not isinstance(ended.error, world.may_raise):
            yield f"{name} ended with {_named(ended.error)}"
    try:
        come_to_rest()
        yield from world.promise(*run.ended)
        yield from invariants.broken(world)
    except NoRest as restless:
        yield str(restless)
    except Exception as error:  # noqa: BLE001 - without its guard a world may break anywhere
        yield f"could not be looked at: {_named(error)}"
    unexpected = [error for error in LOGGED.errors if not isinstance(error, _LATE)]
    yield from (f"caught and logged: {_named(error)}" for error in unexpected)


def _named(error: BaseException) -> str:
    return f"{type(error).__name__} ({' '.join(str(error).split())[:160]})"


def clean() -> None:
    """Empty every table, as a transactional test does when it ends."""
    call_command(
        "flush", verbosity=0, interactive=False, reset_sequences=False, inhibit_post_migrate=True
    )
    rate_tables.forget()
