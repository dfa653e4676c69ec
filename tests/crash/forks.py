"""Processes that may be killed, and one that lives on: forked, heard line by line, buried."""

import gc
import json
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

Message = dict[str, Any]
Hear = Callable[[Message], None]
CHILD_SECONDS: Final = 60  # a process that takes longer for its part hangs


class Line:
    """A child's line to its parent: it says things, and may wait for a word."""

    def __init__(self, *, mouth: int, ear: int) -> None:
        self._mouth, self._ear = mouth, ear

    def say(self, **message: Any) -> None:
        """One message; written at once, so that it outlives the one who said it."""
        os.write(self._mouth, json.dumps(message).encode() + b"\n")

    def wait(self) -> None:
        """Until the parent says go on."""
        os.read(self._ear, 1)


@dataclass
class Ending:
    """What became of a part: the signal that ended it (0: none), and everything it said."""

    signal: int = 0
    messages: list[Message] = field(default_factory=list)

    @property
    def was_killed(self) -> bool:
        """As we wanted it."""
        return self.signal == signal.SIGKILL

    def told(self, name: str) -> list[Any]:
        """Everything said under one name, in order."""
        return [message[name] for message in self.messages if name in message]


class Child:
    """A forked process, with a pipe each way."""

    def __init__(self, live: Callable[[Line], None]) -> None:
        hear, mouth = os.pipe()
        ear, speak = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(hear)
            os.close(speak)
            _live(live, Line(mouth=mouth, ear=ear))
        os.close(mouth)
        os.close(ear)
        self._lines: BinaryIO = os.fdopen(hear, "rb")
        self.word: BinaryIO = os.fdopen(speak, "wb", buffering=0)

    def listen(self, ending: Ending, on_message: Hear | None) -> bool:
        """Hear it out: until it says `done`, or until it is no more (False)."""
        for raw in self._lines:
            message = json.loads(raw)
            if "done" in message:
                return True
            ending.messages.append(message)
            if on_message is not None:
                on_message(message)
            if "paused" in message:
                self.word.write(b".")
        return False

    def bury(self) -> int:
        """Wait for its end; the signal that ended it, or 0."""
        self._lines.close()
        self.word.close()
        _, status = os.waitpid(self.pid, 0)
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def in_a_child(work: Callable[[Line], None], *, on_message: Hear | None = None) -> Ending:
    """Run `work` in a forked child to its end or death. Whatever it says is kept.

    `on_message` hears each message at once; a child that says `paused` waits until it did.
    """
    child, ending = Child(work), Ending()
    try:
        child.listen(ending, on_message)
    finally:
        ending.signal = child.bury()
    return ending


class Resident:
    """A child that lives on, and plays one part after another."""

    def __init__(self, parts: Mapping[str, Callable[..., None]], *owns: Any) -> None:
        self._child = Child(lambda line: _serve(parts, owns, line))

    def ask(self, part: str, case: Any, on_message: Hear) -> Ending:
        """Have it play one part; a death is an ending as well."""
        order = pickle.dumps((part, case))
        self._child.word.write(len(order).to_bytes(8, "big") + order)
        ending = Ending()
        if not self._child.listen(ending, on_message):
            ending.signal = self._child.bury()
        return ending

    def dismiss(self) -> None:
        """Let it go, whatever it is doing."""
        if not self._child.word.closed:
            os.kill(self._child.pid, signal.SIGKILL)
            self._child.bury()


def _serve(parts: Mapping[str, Callable[..., None]], owns: tuple[Any, ...], line: Line) -> None:
    gc.enable()
    while head := os.read(line._ear, 8):
        size, order = int.from_bytes(head, "big"), b""
        while len(order) < size:
            order += os.read(line._ear, size - len(order))
        part, case = pickle.loads(order)  # noqa: S301 - from our own parent
        _work(lambda line: parts[part](*owns, case, line), line)  # noqa: B023 - called at once
        line.say(done=True)


def _live(live: Callable[[Line], None], line: Line) -> None:
    """A child's whole life; it never returns into the parent's code."""
    try:
        gc.disable()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        _work(live, line)
    finally:
        os._exit(0)


def _work(work: Callable[[Line], None], line: Line) -> None:
    signal.alarm(CHILD_SECONDS)
    try:
        work(line)
    except BaseException:  # noqa: BLE001 - whatever it is, the parent is told
        line.say(error=traceback.format_exc(limit=-6))
    signal.alarm(0)


def die() -> None:
    """As kill -9 has it: no `finally`, no `except`, no farewell to any server."""
    os.kill(os.getpid(), signal.SIGKILL)
