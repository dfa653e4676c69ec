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
from tests.crash import plan, trial
from tests.crash.bench import Bench
from tests.crash.plan import Wish
from tests.crash.plants import PLANTS
from tests.crash.points import Trial
from tests.crash.progress import Progress
from tests.crash.report import Finding, Report
from tests.crash.trial import Result

_MULTIPROCESSING: Final = multiprocessing.get_context("fork")
_RENEW_EVERY: Final = 250  # tables grow with every trial, and with them each sweep
# Neighbours leave the same world: whoever tries them in a row drives it once, and two who share
# them both drive it.
_IN_A_ROW: Final = 24
_OTHER_PLACES: Final = 3  # at which a second blow is tried whose point nobody came to
_mine: list[Bench] = []
_known: dict[Trial, Result] = {}  # what another trial's kill told
_done = 0


def run(wish: Wish, *, folder: Path, workers: int, only_points: bool = False) -> Report:
    """Discover, try everything that was wished for (unless `only_points`), and report."""
    _warm_up()
    benches.make_template()
    try:
        with _workers(folder, workers) as pool:
            return _run(wish, pool, workers=workers, only_points=only_points)
    finally:
        benches.drop_template()


def _run(wish: Wish, pool: Pool, *, workers: int, only_points: bool) -> Report:
    started = time.monotonic()
    found, skipped = plan.pairs(wish)
    told = _try(pool, "discovery", plan.discoveries(wish, found))
    report = Report(wish=wish, workers=workers, discoveries=told, skipped=skipped)
    if not only_points:
        report.results = _try(pool, "single", plan.singles(wish, told))
        report.results += _try_doubles(pool, wish, report)
    if wish.is_small or wish.is_whole:
        report.hunted = list(_hunt(pool))
    report.seconds = time.monotonic() - started
    return report


def _try_doubles(pool: Pool, wish: Wish, report: Report) -> list[Result]:
    """A recovery is now and then shorter than it was counted: then it is struck earlier.

    Not for ever: one that is never reached fails the run.
    """
    found = _try(pool, "double", plan.doubles(wish, report.results))
    for again in range(_OTHER_PLACES):
        moved = plan.moved(wish, found, again=again)
        if not moved:
            break
        told = _try(pool, "double, struck earlier", list(moved.values()))
        report.struck_earlier += sum(result.status != "unreached" for result in told)
        found = [result for result in found if result.trial not in moved] + told
    return found


def _hunt(pool: Pool) -> Iterator[Finding]:
    """Each planted bug must be found by some trial of the flow in which it does harm."""
    for plant in PLANTS.values():
        told = pool.apply(_try_one, (plan.hunt(plant),))
        tried = [told] if told.status == "violated" or not plant.kind else []
        tried = tried or pool.imap(_try_one, plan.singles(Wish(kind=plant.kind), [told]))
        found = next((result for result in tried if result.status == "violated"), None)
        finding = Finding(plant.name, found)
        sys.stderr.write(f"{finding}\n")
        yield finding


def _try(pool: Pool, name: str, trials: Sequence[Trial]) -> list[Result]:
    """Try them all; results come back in the order of the trials, whoever made them."""
    progress = Progress(name, len(trials), out=sys.stderr)
    found: dict[Trial, Result] = {}
    for result in pool.imap_unordered(_try_one, trials, _in_a_row(len(trials))):
        found[result.trial] = result
        progress.count(result)
    progress.end()
    return [found[trial] for trial in trials]


def _in_a_row(trials: int) -> int:
    """How many trials a worker takes at a time: few of a small run, or others would have none."""
    return max(1, min(_IN_A_ROW, trials // _IN_A_ROW))


def _try_one(wanted: Trial) -> Result:
    if result := _known.pop(wanted, None):
        return result
    global _done  # noqa: PLW0603 - one counter a worker process
    (own,) = _mine
    _done += 1
    if _done % _RENEW_EVERY == 0:
        own.renew()
    result = trial.run(own, wanted)
    _known.update((other.trial, other) for other in result.of_others() if result.status == "ok")
    return result


@contextmanager
def _workers(folder: Path, count: int) -> Iterator[Pool]:
    """Worker processes, each with a bench of its own; closed in them, not killed."""
    numbers = _MULTIPROCESSING.SimpleQueue()
    own = [Bench(number, folder) for number in range(count)]
    for bench in own:
        bench.open()
        numbers.put(bench.number)
    trial.rehearse(own[0])
    own[0].renew()  # as it was before the rehearsal
    try:
        with _MULTIPROCESSING.Pool(count, _begin, (numbers, own)) as pool:
            yield pool
            pool.close()
            pool.join()
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
