"""A command that may take so long and no longer, with everything that it started."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Final

_GRACE_SECONDS: Final = 20.0  # to stop servers and to remove folders
_LOOK_SECONDS: Final = 0.5


def run(
    command: Sequence[str],
    *,
    seconds: float,
    environ: Mapping[str, str],
    cwd: Path,
    is_over: Event | None = None,
) -> int | None:
    """The exit status of a command; None when its time was up, or somebody said that all is over.

    Then its whole process group is ended. The same happens when whoever waits is interrupted:
    in a group of its own the command does not hear the terminal.
    """
    child = subprocess.Popen(command, cwd=cwd, env=dict(environ), start_new_session=True)
    end_at = time.monotonic() + seconds
    try:
        while time.monotonic() < end_at and not (is_over and is_over.is_set()):
            with contextlib.suppress(subprocess.TimeoutExpired):
                return child.wait(min(_LOOK_SECONDS, max(0.0, end_at - time.monotonic())))
        return None
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Asked first, then killed. What a command left behind when it ended goes as well."""
    if child.poll() is None:
        _signal(child, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE_SECONDS)
    _signal(child, signal.SIGKILL)
    child.wait()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
