"""Actors and their turns: an actor stops before each step, until it is told to take it.

The points: every SQL statement (savepoints too), COMMIT, ROLLBACK, every HTTP request to the
processor, every mail, and whatever calls `my_turn` by itself. BEGIN is no point of its own: the
driver sends it together with the first statement of its transaction.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from django.core.mail import EmailMessage
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections

from foundation.transactions import sqlstate
from payments.processors.stripe_http import BoundedClient
from tests.races.explorer.footprints import AUTOCOMMIT

PARKED, MOVING, DONE = "parked", "moving", "done"
# The application's own time limits must not end a wait that the schedule makes: an actor stands
# still for as long as the others move. A deadlock should be found soon.
_SESSION = (
    "SET lock_timeout = '60s'",
    "SET statement_timeout = '90s'",
    "SET idle_in_transaction_session_timeout = 0",
    "SET deadlock_timeout = '20ms'",  # for a superuser only; else PostgreSQL's second it is
)
_here = threading.local()


@dataclass(frozen=True)
class Ended:
    """How an actor's action ended: with a value, or with an error."""

    value: Any = None
    error: BaseException | None = None


def my_turn(point: str) -> None:
    """Stop here until the schedule says go; at once for whoever is no actor."""
    actor: Actor | None = getattr(_here, "actor", None)
    if actor is not None:
        actor.park(point)


class Actor(threading.Thread):
    """A thread with a connection of its own, which does one action after the other, by turns."""

    def __init__(self, name: str, news: threading.Condition) -> None:
        super().__init__(name=name, daemon=True)
        self.state, self.point, self.pid = DONE, "", 0
        self.ended = Ended()
        self.conflicts: list[str] = []
        self._news, self._go = news, threading.Semaphore(0)
        self._work: queue.Queue[Callable[[], Any] | None] = queue.Queue()

    def begin(self, action: Callable[[], Any]) -> None:
        """Start an action; it runs up to its first point."""
        self.state, self.ended, self.conflicts = MOVING, Ended(), []
        self._work.put(action)

    def move(self) -> None:
        """Take the step before which it stands."""
        self.state = MOVING
        self._go.release()

    def park(self, point: str) -> None:
        """Called by the actor itself, before each step."""
        self._tell(PARKED, point)
        self._go.acquire()

    def dismiss(self) -> None:
        """No more work; its connection is closed."""
        self._work.put(None)
        self.join(10)

    def run(self) -> None:
        """One action after the other."""
        _here.actor = self
        for action in iter(self._work.get, None):
            self._prepare()
            try:
                self.ended = Ended(value=action())
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is its ending
                self.ended = Ended(error=error)
            self._tell(DONE, "")
        connection.close()

    def _prepare(self) -> None:
        connection.ensure_connection()
        if self.pid != connection.connection.info.backend_pid:
            self.pid = connection.connection.info.backend_pid
            for setting in _SESSION:
                with suppress(DatabaseError), connection.cursor() as cursor:
                    cursor.execute(setting)
            _watch_connection(self)

    def _tell(self, state: str, point: str) -> None:
        with self._news:
            self.state, self.point = state, point
            self._news.notify_all()


def _watch_connection(actor: Actor) -> None:
    """Make every statement, COMMIT and ROLLBACK of this thread's connection a point."""

    def statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        ending = "" if context["connection"].in_atomic_block else AUTOCOMMIT
        my_turn(" ".join(sql.split()) + ending)
        try:
            return execute(sql, params, many, context)
        except DatabaseError as error:
            actor.conflicts.append(sqlstate(error))
            raise

    line = connections[DEFAULT_DB_ALIAS]
    line.execute_wrappers[:] = [statement]
    vars(line).update(
        _commit=_by_turns("COMMIT", type(line)._commit, line),
        _rollback=_by_turns("ROLLBACK", type(line)._rollback, line),
    )


def _by_turns(point: str, ending: Callable[[Any], None], line: Any) -> Callable[[], None]:
    def ended() -> None:
        my_turn(point)
        ending(line)

    return ended


@contextmanager
def calls_out_are_points() -> Iterator[None]:
    """Every request to the processor and every mail is a point, too."""
    request, send = BoundedClient.request, EmailMessage.send

    def by_turns(self: BoundedClient, method: str, url: str, *args: Any, **options: Any) -> Any:
        my_turn(f"{method.upper()} {urlsplit(url).path}")
        return request(self, method, url, *args, **options)

    def mail(self: EmailMessage, *args: Any, **options: Any) -> int:
        my_turn(f"MAIL {self.subject}")
        return send(self, *args, **options)

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(BoundedClient, "request", by_turns))
        stack.enter_context(mock.patch.object(EmailMessage, "send", mail))
        yield
