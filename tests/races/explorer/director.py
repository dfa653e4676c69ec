"""The director: lets one actor move at a time, and knows who waits for whose lock."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection

from tests.races.explorer.schedules import Choice, Diverged, Script
from tests.races.explorer.turns import DONE, MOVING, PARKED, Actor, Ended

NAMES: Final = "ABC"
_PATIENCE_SECONDS: Final = 30.0
_GLANCE_SECONDS: Final = 0.002  # a statement that takes longer may be waiting for a lock
_WHO_WAITS: Final = "SELECT pid, pg_blocking_pids(pid) FROM unnest(%s::int[]) AS pid"


class Stuck(AssertionError):
    """Somebody neither moves nor waits for a lock: the explorer can not go on."""


@dataclass
class Run:
    """What happened: every step, how each actor ended, who waited, what PostgreSQL refused."""

    choices: list[Choice] = field(default_factory=list)
    ended: tuple[Ended, ...] = ()
    waits: int = 0
    conflicts: tuple[str, ...] = ()

    @property
    def turns(self) -> tuple[str, ...]:
        """The schedule that was played, to its end."""
        return tuple(choice.who for choice in self.choices)

    @property
    def preemptions(self) -> int:
        """How often the turn was taken from somebody who could have gone on."""
        return sum(choice.preempts(choice.who) for choice in self.choices)


class Director:
    """Two or three actors on one stage. Use it in a `with`: it closes their connections."""

    def __init__(self, count: int) -> None:
        self._news = threading.Condition()
        self.actors = [Actor(name, self._news) for name in NAMES[:count]]
        self._waits: set[str] = set()

    def __enter__(self) -> "Director":
        for actor in self.actors:
            actor.start()
        return self

    def __exit__(self, *_: object) -> None:
        for actor in self.actors:
            actor.dismiss()

    def play(self, actions: Sequence[Callable[[], Any]], script: Script) -> Run:
        """Run the actions to their end, as the script says. Raises `Diverged` or `Stuck`."""
        run, last = Run(), None
        for actor, action in zip(self.actors, actions, strict=True):
            actor.begin(action)
            self._settle()
        try:
            while able := self._able():
                last = self._step(run, script, able, last)
        except Diverged as diverged:
            raise Diverged(f"{diverged}; {self._seen(run)}") from None
        finally:
            self._finish()
        run.ended = tuple(actor.ended for actor in self.actors)
        run.conflicts = tuple(code for actor in self.actors for code in actor.conflicts)
        return run

    def _step(self, run: Run, script: Script, able: tuple[str, ...], last: str | None) -> str:
        who = script.choose(len(run.choices), able, last)
        actor = next(actor for actor in self.actors if actor.name == who)
        waiting = tuple(other.name for other in self.actors if other.state == MOVING)
        run.choices.append(Choice(who, able, last, actor.point, waiting))
        actor.move()
        self._settle()
        run.waits += actor.state == MOVING
        return who

    def _seen(self, run: Run) -> str:
        now = ", ".join(f"{a.name} {a.state} {a.point[:60]!r}" for a in self.actors)
        return f"now {now}; before {[(c.who, c.able, c.point[:30]) for c in run.choices[-6:]]}"

    def _able(self) -> tuple[str, ...]:
        return tuple(actor.name for actor in self.actors if actor.state == PARKED)

    def _finish(self) -> None:
        """Whatever went wrong, nobody is left standing on the stage."""
        while any(actor.state != DONE for actor in self.actors):
            for actor in self.actors:
                if actor.state == PARKED:
                    actor.move()
            self._settle()

    def _settle(self) -> None:
        """Until everybody stands at a point, is done, or waits for one who stands at a point."""
        patience_ends = time.monotonic() + _PATIENCE_SECONDS
        while moving := self._glance():
            self._waits = self._waiting(moving)
            if self._waits == moving:
                return
            if time.monotonic() > patience_ends:
                raise Stuck("; ".join(f"{a.name} {a.state} {a.point}" for a in self.actors))

    def _glance(self) -> set[str]:
        """Who still moves after a moment. Those who were seen waiting are given no moment."""
        ends = time.monotonic() + _GLANCE_SECONDS
        with self._news:
            while self._moving() - self._waits and (left := ends - time.monotonic()) > 0:
                self._news.wait(left)
            return self._moving()

    def _moving(self) -> set[str]:
        return {actor.name for actor in self.actors if actor.state == MOVING}

    def _waiting(self, names: set[str]) -> set[str]:
        """Who waits, directly or through others, for a lock of somebody who stands at a point.

        Actors who wait only for each other are not among them: PostgreSQL is about to end that.
        """
        moving = {actor.pid: actor.name for actor in self.actors if actor.name in names}
        # Who stood at a point before the question; whoever comes to one meanwhile is no answer.
        still = [actor for actor in self.actors if actor.name not in names]
        reachable = {actor.pid for actor in still if actor.state == PARKED}
        held_by = dict(_ask(_WHO_WAITS, list(moving)))
        for _ in moving:
            reachable |= {pid for pid, blockers in held_by.items() if reachable & set(blockers)}
        return {name for pid, name in moving.items() if pid in reachable}


def _ask(sql: str, pids: list[int]) -> list[tuple[int, list[int]]]:
    """On the driver's own connection: nothing of Django's stands between."""
    connection.ensure_connection()
    return connection.connection.execute(sql, [pids]).fetchall()
