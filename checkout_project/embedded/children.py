"""Child processes that die with this one, also when it is killed with -9."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from checkout_project.embedded.account import Account

LAUNCH = Path(__file__).with_name("launch.py")
LOG_TAIL_BYTES = 4096


class Spawner:
    """One thread that lives as long as the process and starts every child.

    The kernel sends the parent-death signal when the *thread* that made the child ends, so a child
    started from a passing thread would die with that thread.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._lock = threading.Lock()
        self._asked: queue.SimpleQueue[
            tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]
        ]

    def spawn(self, make: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Run `make` on the lasting thread and return what it made."""
        with self._lock:
            if self._pid != os.getpid():  # first use, or we are a fork and the thread stayed behind
                self._pid = os.getpid()
                self._asked = queue.SimpleQueue()
                threading.Thread(target=self._serve, daemon=True, name="spawner").start()
        answer: Future[subprocess.Popen[bytes]] = Future()
        self._asked.put((make, answer))
        return answer.result()

    def _serve(self) -> None:
        while True:
            make, answer = self._asked.get()
            try:
                answer.set_result(make())
            except OSError as error:
                answer.set_exception(error)


_spawner = Spawner()


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    death_signal: signal.Signals,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child that logs to a file, in a session of its own: a Ctrl-C is for the parent."""
    launcher = [sys.executable, "-I", "-S", str(LAUNCH)]
    launcher += ["--parent", str(os.getpid()), "--death-signal", str(int(death_signal))]
    launcher += account.launch_options() if account else []

    def make() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own argv, no shell
                [*launcher, "--", *argv],
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    return _spawner.spawn(make)


def signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the child and all it started in its session; one that is gone is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def end(child: subprocess.Popen[bytes], *signals: signal.Signals, grace_seconds: float) -> None:
    """Try one signal after the other, each with its grace, until the child is gone."""
    for number in (*signals, signal.SIGKILL):
        if child.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)
            os.kill(child.pid, signal.SIGCONT)  # a stopped child would not hear it
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace_seconds)


def until(holds: Callable[[], bool], *, seconds: float, pause: float = 0.02) -> bool:
    """Wait until something holds, at most so many seconds; False when it never did."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def tail(log: Path) -> str:
    """The end of a log file, for an error message."""
    if not log.exists():
        return "(no log)"
    return log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip() or "(empty log)"
