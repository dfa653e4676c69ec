"""A worker that lives and takes nothing would stop the sweeps as well: it ends, and is replaced."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from checkout_project.listening import EX_SOFTWARE, LOOK_SECONDS
from checkout_project.processes import ROOT
from tests.e2e import books
from tests.e2e.deaf_worker import HEARS_SECONDS

pytestmark = pytest.mark.e2e
PATIENCE_SECONDS = 3
# Starting, hearing, and two looks more than its patience has.
LONG_ENOUGH = 20 + HEARS_SECONDS + PATIENCE_SECONDS + 3 * LOOK_SECONDS


@contextlib.contextmanager
def deaf_worker(house, *, patience):
    """The only worker of the house; beat goes on sending canaries that nobody takes."""
    house.kill("worker")
    env = house.shop.environ() | {"WORKER_DEAF_SECONDS": f"{patience}"}
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.deaf_worker", "deaf@%h"], env=env, cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # with its children
        child.wait()


def test_a_worker_gone_deaf_ends_itself_and_the_next_one_finishes_the_orders(house):
    with deaf_worker(house, patience=PATIENCE_SECONDS) as worker:
        status = worker.wait(timeout=LONG_ENOUGH)
    wishes = books.wishes()
    house.burst(wishes)
    house.revive("worker")

    assert status == EX_SOFTWARE
    books.once_each(house, books.finished(house, wishes))


def test_without_patience_to_lose_it_lives_on_deaf(house):
    """The control: what the house would look at until a person looks at the canary's age."""
    with deaf_worker(house, patience=0) as worker, pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=LONG_ENOUGH)
