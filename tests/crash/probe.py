"""The instrument: sees every point that a process passes, and strikes at one of them.

Django's `execute_wrapper` sees statements and savepoints, but neither BEGIN nor COMMIT; so the
database wrapper's own methods are hooked as well, and with them the processor's HTTP transport,
the broker's producer, a message's acknowledgement, and the mail. `install` changes classes, for
the whole life of the process: nothing but a run of trials may call it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import urllib3
from django.core.mail import EmailMessage
from django.db import OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from kombu import Producer
from kombu.exceptions import OperationalError as BrokerError
from kombu.message import Message
from urllib3.exceptions import ProtocolError

from tests.crash.forks import Line, die
from tests.crash.memory import FlightRecorder
from tests.crash.points import Blow, Point, normalized

T = TypeVar("T")
_SAVEPOINTS: Final = ("SAVEPOINT", "RELEASE", "ROLLBACK")
_WRITES: Final = re.compile(
    r"\b(INSERT INTO|DELETE FROM|UPDATE (?!OF\b)\S+\s.*?\bSET\b)", re.DOTALL | re.IGNORECASE
)
# Rows that say only that somebody looked or called: a quiet house goes on writing them.
_BOOKKEEPING: Final = re.compile(
    r"\b(foundation_(periodicrun|apikey|invariantresult|queueheartbeat)|payments_eventlisting)\b"
)
# Messages that say only that a queue is served.
_SIGNS_OF_LIFE: Final = re.compile(r"canary|heartbeat")


class Differs(BaseException):
    """The point where the process was to die is not the one that was discovered.

    No `except Exception` of the code under test may keep it from being heard.
    """


@dataclass(frozen=True)
class Pause:
    """Somewhere in the call of one operation the rest of the world goes on without us."""

    request: re.Pattern[str]
    when: str  # "before": the request lies on the way; "after": its answer does


@dataclass
class Work:
    """What a process did that others can see; a quiet round does nothing."""

    rows: int = 0
    calls: int = 0
    publishes: int = 0
    last: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.rows or self.calls or self.publishes)


class Probe:
    """Counts points while it is armed; strikes at `blow`, pauses at `pause`."""

    def __init__(
        self,
        line: Line,
        recorder: FlightRecorder,
        *,
        blow: Blow | None = None,
        pause: Pause | None = None,
    ) -> None:
        self._line, self._recorder = line, recorder
        self._blow, self._pause = blow, pause
        self._armed = False
        self.points: list[Point] = []
        self.work = Work()

    def arm(self) -> None:
        """From here on points count."""
        self._armed = True

    def disarm(self) -> None:
        """From here on they do not."""
        self._armed = False

    def around(
        self, kind: str, text: str, do: Callable[[], T], *, lost: Callable[[], Exception]
    ) -> T:
        """One point: `do` with everything that may happen before and after it."""
        if not self._armed:
            return do()
        point = Point(len(self.points), kind, normalized(text))
        self.points.append(point)
        self._recorder.points = len(self.points)
        self._recorder.write()
        self._strike(point, "before")
        self._wait_for_the_world(point, "before")
        try:
            result = do()
        except Exception:
            # Nobody is told how it went already: that is both what is lost, and what is after.
            self._is_struck(point, "lost")
            self._strike(point, "after")
            raise
        self._wait_for_the_world(point, "after")
        self._strike(point, "after")
        if self._is_struck(point, "lost"):
            raise lost()
        return result

    def _strike(self, point: Point, side: str) -> None:
        if self._is_struck(point, side):
            die()

    def _is_struck(self, point: Point, side: str) -> bool:
        if not self._is_due(point, side):
            return False
        self._recorder.struck = 1
        self._recorder.write()
        return True

    def _is_due(self, point: Point, side: str) -> bool:
        blow = self._blow
        if blow is None or blow.ordinal != point.ordinal:
            return False
        if blow.identity not in ("", point.identity):
            raise Differs(f"expected {blow.identity}, came to {point.identity} ({point.text})")
        return blow.side == side

    def _wait_for_the_world(self, point: Point, when: str) -> None:
        pause = self._pause
        if (
            pause
            and pause.when == when
            and point.kind == "call"
            and pause.request.match(point.text)
        ):
            self._pause = None
            self._line.say(paused=point.ordinal)
            self._line.wait()

    def see_call(self, method: str) -> None:
        """A request leaves: it must not find a transaction open. A question changes nothing."""
        if connection.in_atomic_block:
            self._recorder.called_inside = 1
            self._recorder.write()
        self.work.calls += method != "GET"

    def see_message(self, task: str) -> None:
        """A message leaves for the broker."""
        if not _SIGNS_OF_LIFE.search(task):
            self.work.publishes += 1

    def see_rows(self, sql: str, count: int) -> None:
        """A statement was executed."""
        if count > 0 and _WRITES.search(sql) and not _BOOKKEEPING.search(sql):
            self.work.rows += count
            self.work.last.append(normalized(sql)[:120])


class _Here:
    """The instrument of this process; classes are changed once, whoever holds it."""

    probe: Probe | None = None


def install(probe: Probe) -> None:
    """See everything in this process through `probe` from now on."""
    if _Here.probe is None:
        connection.execute_wrappers.append(_statement)
        _hook_transactions()
        _hook_processor()
        _hook_broker()
        _hook_mail()
    _Here.probe = probe


def _around(
    kind: str, text: str, do: Callable[[], T], *, lost: Callable[[], Exception] | None = None
) -> T:
    assert _Here.probe is not None
    return _Here.probe.around(kind, text, do, lost=lost or _never)


def _statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    def do() -> Any:
        result = execute(sql, params, many, context)
        _Here.probe.see_rows(sql, context["cursor"].rowcount)
        return result

    word = sql.split(None, 1)[0].upper()
    return _around("savepoint" if word in _SAVEPOINTS else "sql", sql, do)


def _hook_transactions() -> None:
    begin, commit, rollback = (
        DatabaseWrapper._set_autocommit,
        DatabaseWrapper._commit,
        DatabaseWrapper._rollback,
    )

    def hooked_begin(self: Any, autocommit: bool) -> None:
        if autocommit:
            begin(self, autocommit)
        else:
            _around("begin", "BEGIN", lambda: begin(self, autocommit))

    def lost_commit() -> Exception:
        connection.connection.close()
        return OperationalError("server closed the connection unexpectedly")

    DatabaseWrapper._set_autocommit = hooked_begin
    DatabaseWrapper._commit = lambda self: _around(
        "commit", "COMMIT", lambda: commit(self), lost=lost_commit
    )
    DatabaseWrapper._rollback = lambda self: _around("rollback", "ROLLBACK", lambda: rollback(self))


def _hook_processor() -> None:
    request = urllib3.PoolManager.request

    def hooked(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        _Here.probe.see_call(method)
        return _around(
            "call",
            f"{method} {urlsplit(url).path}",
            lambda: request(self, method, url, *args, **kwargs),
            lost=lambda: ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")),
        )

    urllib3.PoolManager.request = hooked


def _hook_broker() -> None:
    publish, ack = Producer.publish, Message.ack

    def hooked(self: Any, *args: Any, **kwargs: Any) -> Any:
        task = (kwargs.get("headers") or {}).get("task", "")
        _Here.probe.see_message(task)
        return _around(
            "publish",
            task,
            lambda: publish(self, *args, **kwargs),
            lost=lambda: BrokerError("Connection closed by server."),
        )

    Producer.publish = hooked
    Message.ack = lambda self, *args, **kwargs: _around(
        "ack", self.headers.get("task", ""), lambda: ack(self, *args, **kwargs)
    )


def _hook_mail() -> None:
    send = EmailMessage.send
    EmailMessage.send = lambda self, *args, **kwargs: _around(
        "mail", "send", lambda: send(self, *args, **kwargs)
    )


def _never() -> Exception:
    return AssertionError("only commits, calls and publishes lose their acknowledgement")
