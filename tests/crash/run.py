"""A whole run: servers are there, Django is imported once, workers fork a child per process."""

import gc
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Final

from django.test import Client

from checkout_project.celery import app
from tests.crash import bench as benches
from tests.crash import plan, plants, report, trial
from tests.crash.bench import Bench
from tests.crash.plan import Wish
from tests.crash.points import Trial
from tests.crash.progress import Progress
from tests.crash.trial import Result

_MULTIPROCESSING: Final = multiprocessing.get_context("fork")
_RENEW_EVERY: Final = 250  # tables grow with every trial, and with them each sweep
_mine: list[Bench] = []
_done = 0


def run(
    wish: Wish, *, folder: Path, workers: int, planted: str = "", only_points: bool = False
) -> report.Report:
    """Discover, try everything that was wished for (unless `only_points`), and report."""
    _warm_up()
    plants.plant(planted)
    benches.make_template()
    try:
        with _workers(folder, workers) as pool:
            return _run(wish, pool, workers, planted, only_points)
    finally:
        benches.drop_template()


def _run(
    wish: Wish, pool: Pool, workers: int, planted: str, only_points: bool  # noqa: FBT001
) -> report.Report:
    started = time.monotonic()
    found, skipped = plan.pairs(wish)
    told = list(_try(pool, "discovery", plan.discoveries(found)))
    results = [] if only_points else list(_try(pool, "single", plan.singles(wish, told)))
    results += _try(pool, "double", plan.doubles(wish, results))
    return report.Report(
        seed=wish.seed, workers=workers, planted=planted, seconds=time.monotonic() - started,
        discoveries=told, results=results, skipped=skipped,
        is_whole=not only_points and wish == Wish(seed=wish.seed, doubles=wish.doubles),
    )  # fmt: skip


def _try(pool: Pool, name: str, trials: Sequence[Trial]) -> Iterator[Result]:
    """Try them all; results come back in the order of the trials, whoever made them."""
    progress = Progress(name, len(trials), out=sys.stderr)
    found: dict[Trial, Result] = {}
    for result in pool.imap_unordered(_try_one, trials):
        found[result.trial] = result
        progress.count(result)
    progress.end()
    return iter([found[trial] for trial in trials])


def _try_one(wanted: Trial) -> Result:
    global _done  # noqa: PLW0603 - one counter a worker process
    (own,) = _mine
    _done += 1
    if _done % _RENEW_EVERY == 0:
        own.renew()
    return trial.run(own, wanted)


@contextmanager
def _workers(folder: Path, count: int) -> Iterator[Pool]:
    """Worker processes, each with a bench of its own; closed in them, not killed."""
    numbers = _MULTIPROCESSING.SimpleQueue()
    own = [Bench(number, folder) for number in range(count)]
    for bench in own:
        bench.open()
        numbers.put(bench.number)
    trial.rehearse(own[0])
    try:
        with _MULTIPROCESSING.Pool(count, _begin, (numbers, own)) as pool:
            yield pool
    finally:
        for bench in own:
            bench.close()


def _begin(numbers: "multiprocessing.SimpleQueue[int]", own: Iterable[Bench]) -> None:
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_DFL)
    number = numbers.get()
    _mine[:] = [bench for bench in own if bench.number == number]
    gc.collect()
    gc.freeze()


def _warm_up() -> None:
    """Import and build what a first request would, so that no child does it again."""
    app.loader.import_default_modules()
    app.finalize()
    client = Client(raise_request_exception=False)
    client.post("/v1/checkouts", b"{}", "application/json")
