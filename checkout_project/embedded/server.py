"""One private server as a child: start, stop, kill, and the traces a killed one leaves."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from checkout_project.embedded import children
from checkout_project.embedded.account import Account
from checkout_project.embedded.errors import EmbeddedError

READY_SECONDS = 60.0
ORPHAN_GRACE_SECONDS = 5.0


class Server:
    """What PostgreSQL and Redis have in common; the subclasses say what differs."""

    title: str
    programs: frozenset[str]  # what the kernel calls its processes
    stop_signals: tuple[signal.Signals, ...]  # gentlest first; SIGKILL follows by itself

    def __init__(self, *, folder: Path, socket: Path, log: Path, account: Account) -> None:
        self.folder = folder
        self.socket = socket
        self.log = log
        self.account = account
        self._child: subprocess.Popen[bytes] | None = None

    def argv(self) -> Sequence[str]:
        """The command that runs the server in the foreground."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what must stand before the first start."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether the server takes requests now."""
        raise NotImplementedError

    def stale(self) -> Sequence[Path]:
        """Files that a killed server leaves behind and that would confuse the next."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Whether our child lives."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._child is None or self._child.poll() is not None:
            raise EmbeddedError(f"{self.title} is not running.")
        return self._child.pid

    def start(self) -> None:
        """Start and wait until it answers; one that runs already is left alone."""
        if self.running:
            return
        self.account.make_folder(self.socket.parent)
        self.prepare()
        end_occupants(self.folder, self.programs)
        for path in self.stale():
            path.unlink(missing_ok=True)
        child = self.spawn(self.argv(), cwd=self.folder)
        self._child = child
        children.until(lambda: child.poll() is not None or self.answers(), seconds=READY_SECONDS)
        if child.poll() is not None or not self.answers():
            self.stop()
            raise EmbeddedError(f"{self.title} did not start:\n{children.tail(self.log)}")

    def spawn(self, argv: Sequence[str], *, cwd: Path) -> subprocess.Popen[bytes]:
        """Start a program as the servers' account, in a known locale, unable to outlive us."""
        kept = {
            name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ
        }
        return children.spawn(
            argv,
            env={**kept, "LC_ALL": "C", "TZ": "UTC"},
            cwd=cwd,
            log=self.log,
            death_signal=self.stop_signals[0],
            account=self.account,
        )

    def stop(self, *, grace_seconds: float = 30.0) -> None:
        """Stop cleanly, and not so cleanly when that takes too long."""
        if self._child is not None:
            children.end(self._child, *self.stop_signals, grace_seconds=grace_seconds)
            self._child = None

    def kill(self) -> None:
        """End every process of it at once, as a power cut would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None
        for pid in occupants(self.folder, self.programs):
            _send(pid, signal.SIGKILL)
        children.until(
            lambda: not occupants(self.folder, self.programs), seconds=ORPHAN_GRACE_SECONDS
        )

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()


def occupants(folder: Path, programs: frozenset[str]) -> list[int]:
    """Servers of an earlier life: processes of these names whose working directory is the folder.

    By name too, because a person's shell may stand there.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        # Another user's process, or one that ended while we looked.
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink() == folder.resolve() and (
                (entry / "comm").read_text().strip() in programs
            ):
                found.append(int(entry.name))
    return found


def end_occupants(folder: Path, programs: frozenset[str]) -> None:
    """Make sure that nothing of an earlier life still writes in the folder.

    They got a signal when their parent died; those that stay are killed. The caller holds the lock.
    """
    if children.until(lambda: not occupants(folder, programs), seconds=ORPHAN_GRACE_SECONDS):
        return
    for pid in occupants(folder, programs):
        _send(pid, signal.SIGKILL)
    if not children.until(lambda: not occupants(folder, programs), seconds=ORPHAN_GRACE_SECONDS):
        raise EmbeddedError(
            f"Processes {occupants(folder, programs)} still work in {folder} and cannot be ended."
        )


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
