"""Puts each bug into a copy of the project, alone, and looks whether its suite finds it.

A suite must pass without the bug and fail with it; one that can not even start (pytest's exit
status above 1) has found nothing.
"""

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from checkout_project import embedded
from tests import services
from tests.planted.bug import ROOT, Bug

SUITE_SECONDS_MAX = 300
_FOUND, _PASSED = 1, 0


@dataclass(frozen=True)
class Finding:
    """What became of one bug. `suite_is_green` without it, `is_found` with it."""

    bug: Bug
    suite_is_green: bool
    is_found: bool
    seconds: float
    found_by: str

    @property
    def is_good(self) -> bool:
        """Found, by a suite that passes otherwise."""
        return self.suite_is_green and self.is_found


def hunt(bugs: Sequence[Bug]) -> Iterator[Finding]:
    """One finding for each bug, in order."""
    green: dict[str, bool] = {}
    with _a_copy() as tree, _servers(tree) as environ:
        for bug in bugs:
            if bug.suite not in green:
                green[bug.suite] = _run(tree, bug.suite, environ)[0] == _PASSED
            yield _seek(bug, tree, environ, is_green=green[bug.suite])


def hunt_by(bugs: Sequence[Bug], *, workers: int) -> Iterator[Finding]:
    """The same by several at a time, each with a copy and servers of its own; as they come.

    Bugs of one suite stay with one hunter, who tries it without a bug only once.
    """
    told: queue.SimpleQueue[Finding | BaseException | None] = queue.SimpleQueue()
    suites = sorted({bug.suite for bug in bugs})
    for first in range(workers):
        hand = [bug for bug in bugs if suites.index(bug.suite) % workers == first]
        threading.Thread(target=_hunt_and_tell, args=(hand, told), daemon=True).start()
    left = workers
    while left:
        match told.get():
            case None:
                left -= 1
            case BaseException() as error:
                raise error
            case finding:
                yield finding


def _hunt_and_tell(
    bugs: Sequence[Bug], told: "queue.SimpleQueue[Finding | BaseException | None]"
) -> None:
    try:
        for finding in hunt(bugs) if bugs else ():
            told.put(finding)
    except BaseException as error:  # noqa: BLE001 - raised where the findings are read
        told.put(error)
    told.put(None)


def _seek(bug: Bug, tree: Path, environ: dict[str, str], *, is_green: bool) -> Finding:
    bug.plant(tree)
    started = time.monotonic()
    try:
        status, said = _run(tree, bug.suite, environ)
    finally:
        bug.weed(tree)
    seconds = time.monotonic() - started
    found_by = _first_failure(said)
    # A suite that broke before a test of it failed (a server, a fixture) has found nothing.
    return Finding(bug, is_green, status == _FOUND and found_by != "", seconds, found_by)


def _run(tree: Path, suite: str, environ: dict[str, str]) -> tuple[int, str]:
    command = [
        sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly",
        "--reuse-db",  # no bug changes a table, and migrating took longer than most suites
        *suite.split(" -k ", 1)[0].split(),
        *(["-k", suite.split(" -k ", 1)[1]] if " -k " in suite else []),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, cwd=tree, env=environ, capture_output=True, text=True, check=False,
            timeout=SUITE_SECONDS_MAX,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return _FOUND, "FAILED (it never came to an end)"
    return done.returncode, done.stdout


def _first_failure(said: str) -> str:
    failed = [line for line in said.splitlines() if line.startswith("FAILED ")]
    return failed[0].split(" - ")[0].removeprefix("FAILED ") if failed else ""


@contextmanager
def _a_copy() -> Iterator[Path]:
    """The files as they stand here, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="checkout-planted-") as folder:
        tree = Path(folder)
        tree.chmod(0o755)
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, tree / name)
        yield tree


@contextmanager
def _servers(tree: Path) -> Iterator[dict[str, str]]:
    """Servers of the hunt's own: its runs must not meet the test database of whoever hunts.

    Bytecode is kept in the copy: half of a run was compiling. A run takes seconds, so a file that
    was changed or set back between two of them has another time, and is compiled anew.
    """
    environ = {name: value for name, value in os.environ.items() if name not in services.URLS}
    with tempfile.TemporaryDirectory(prefix="checkout-hunt-") as folder:
        place = Path(folder)
        place.chmod(0o711)
        with embedded.provided(environ, data=place, durable=False):
            yield environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": ""}
