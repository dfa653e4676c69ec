"""Sets up and runs the plain view: its package, its database, its server."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.stage import Stage, another_database
from checkout_project.embedded import children
from checkout_project.embedded.cluster import DATA
from checkout_project.processes import HOST, ROOT, Shop, answers, free_port

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PACKAGES = DATA / "bench-packages"
INSTALL_SECONDS = 90.0
READY_SECONDS = 30.0
DATABASE = "plain"


class NotPossible(RuntimeError):
    """The comparison can not be made here; the text says why."""


def install() -> None:
    """Put the package into a folder of its own, once. Raises `NotPossible`."""
    wanted = REQUIREMENTS.read_text()
    stamp = PACKAGES / "installed.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    options = ["--no-deps", "--quiet", "--target", str(PACKAGES), "-r", str(REQUIREMENTS)]
    for installer in (["uv", "pip"], ["pip"]):
        with contextlib.suppress(subprocess.TimeoutExpired):
            words = [sys.executable, "-m", *installer, "install", *options]
            ran = subprocess.run(
                words, capture_output=True, timeout=INSTALL_SECONDS, check=False, cwd=ROOT
            )
            if ran.returncode == 0:
                stamp.write_text(wanted)
                return
    raise NotPossible("its idempotency package could not be installed")


@dataclass(frozen=True, slots=True)
class Served:
    """Where the plain view is, and which process tree it is."""

    port: int
    pid: int


@contextlib.contextmanager
def served(stage: Stage) -> Iterator[Served]:
    """The plain view under the same server with the same settings."""
    install()
    stage.control.execute(f"CREATE DATABASE {DATABASE}")
    url = another_database(stage.database_url, DATABASE)
    env = {
        **os.environ,
        "PLAIN_DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "benchmarks.plain_view.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(PACKAGES)]),
    }
    _migrate(env)
    port = free_port()
    argv = _argv(stage, port)
    log = stage.folder / "plain.log"
    child = children.spawn(argv, env=env, cwd=ROOT, log=log, death_signal=signal.SIGTERM)
    try:
        if not children.until(lambda: answers(HOST, port, "/readyz"), seconds=READY_SECONDS):
            raise NotPossible(f"the plain view does not start: {children.tail(log)}")
        yield Served(port, child.pid)
    finally:
        children.end(child, signal.SIGTERM, grace_seconds=10)
        children.signal_group(child, signal.SIGKILL)


def _argv(stage: Stage, port: int) -> list[str]:
    """The words of our own web server, for another application and port."""
    twin = Shop(
        folder=stage.folder,
        web_port=port,
        web_workers=stage.shop.web_workers,
        web_threads=stage.shop.web_threads,
    )
    return [*twin.argv("web")[:-1], "benchmarks.plain_view.wsgi:application"]


def _migrate(env: dict[str, str]) -> None:
    words = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    ran = subprocess.run(
        words, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    if ran.returncode:
        raise NotPossible(f"the plain view has no tables: {ran.stderr[-500:]}")


def count_orders(stage: Stage) -> int:
    """How many orders the plain view inserted; equal to its 201s, or it did not do the work."""
    url = another_database(stage.database_url, DATABASE)
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM orders_order").fetchone()
    assert row is not None  # noqa: S101 - a count is always there
    return int(row[0])
