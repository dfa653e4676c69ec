"""Children that may be killed: forked, heard line by line, buried."""

import gc
import json
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

Message = dict[str, Any]
CHILD_SECONDS: Final = 60  # a child that takes longer hangs


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
    """What became of a child: the signal that ended it (0: none), and everything it said."""

    signal: int = 0
    messages: list[Message] = field(default_factory=list)

    @property
    def was_killed(self) -> bool:
        """As we wanted it."""
        return self.signal == signal.SIGKILL

    def told(self, name: str) -> list[Any]:
        """Everything said under one name, in order."""
        return [message[name] for message in self.messages if name in message]


def in_a_child(
    work: Callable[[Line], None], *, on_message: Callable[[Message], None] | None = None
) -> Ending:
    """Run `work` in a forked child to its end or death. Whatever it says is kept.

    `on_message` hears each message at once; a child that says `paused` waits until it did.
    """
    hear, mouth = os.pipe()
    ear, speak = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hear)
        os.close(speak)
        _live(work, Line(mouth=mouth, ear=ear))
    os.close(mouth)
    os.close(ear)
    ending = Ending()
    try:
        _listen(ending, hear=hear, speak=speak, on_message=on_message)
    finally:
        _, status = os.waitpid(child, 0)
        ending.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return ending


def _listen(
    ending: Ending, *, hear: int, speak: int, on_message: Callable[[Message], None] | None
) -> None:
    with os.fdopen(hear, "rb") as lines, os.fdopen(speak, "wb", buffering=0) as word:
        for raw in lines:
            message = json.loads(raw)
            ending.messages.append(message)
            if on_message is not None:
                on_message(message)
            if "paused" in message:
                word.write(b".")


def _live(work: Callable[[Line], None], line: Line) -> None:
    """A child's whole life; it never returns into the parent's code."""
    try:
        gc.disable()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(CHILD_SECONDS)
        _work(work, line)
    finally:
        os._exit(0)


def _work(work: Callable[[Line], None], line: Line) -> None:
    try:
        work(line)
    except BaseException:  # noqa: BLE001 - whatever it is, the parent is told
        line.say(error=traceback.format_exc(limit=-6))


def die() -> None:
    """As kill -9 has it: no `finally`, no `except`, no farewell to any server."""
    os.kill(os.getpid(), signal.SIGKILL)
