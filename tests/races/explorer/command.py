"""What `python -m tests.races.explorer` does, once there are servers and Django is set up."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import django
from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from tests.races.explorer import workers
from tests.races.explorer.explore import BOUND, Explorer, Found
from tests.races.explorer.pair import Pair
from tests.races.explorer.pairs import PAIRS, WHOLE
from tests.races.explorer.schedules import Written, parse
from tests.races.explorer.stage import staged
from tests.sandbox import Sandbox

_TELL_EVERY_SECONDS: Final = 5.0


def main(wanted: argparse.Namespace, folder: Path) -> int:
    """Explore what is wanted; 0 when every promise was kept and every control broke."""
    chosen = [PAIRS[name] for name in wanted.pair] if wanted.pair else list(PAIRS.values())
    if wanted.list:
        _say("\n".join(f"{pair.title():42} {_first_line(pair)}" for pair in chosen))
        return 0
    if wanted.workers > 1 and wanted.schedule is None:
        return _explore_dealt(chosen, wanted, folder)
    with _a_database(), _a_processor(folder) as sandbox, staged(sandbox):
        if wanted.schedule is not None:
            return _tell_one(chosen[0], sandbox, wanted)
        return _explore_all(chosen, sandbox, wanted)


def _explore_dealt(chosen: list[type[Pair]], wanted: argparse.Namespace, folder: Path) -> int:
    """The same by several processes; a worker that died before it told makes all of it bad.

    Three take longer than two: so these are dealt first, to each the same number.
    """
    began, names = time.monotonic(), [pair.title() for pair in chosen]
    hard_first = [pair.title() for pair in sorted(chosen, key=lambda pair: -pair.players)]
    results = workers.merged(workers.explore(hard_first, wanted, folder), names=names)
    expected = len(names) * (1 if wanted.control else 2)
    good = sum(each["is_control"] == bool(each["violations"]) for each in results)
    seconds = time.monotonic() - began
    played = sum(each["schedules"] for each in results if not each["is_control"])
    _say(
        f"{played} schedules of {len(names)} pairs in {seconds:.0f} s by {wanted.workers};"
        f" {expected - good} of {expected} explorations went wrong, or were not told of"
    )
    if wanted.json:
        _write(wanted.json, _report(results, seconds, wanted))
    return 0 if good == expected else 1


def _explore_all(pairs: list[type[Pair]], sandbox: Sandbox, wanted: argparse.Namespace) -> int:
    began, results = time.monotonic(), []
    for number, pair in enumerate(pairs, start=1):
        for control in [True] if wanted.control else [False, True]:
            found = _explore(pair, sandbox, wanted, control=control)
            results.append(found)
            _say(f"[{number}/{len(pairs)}] {_line(found)}")
    seconds = time.monotonic() - began
    good = [found for found in results if found.is_control == bool(found.violations)]
    played = sum(found.schedules for found in results if not found.is_control)
    _say(
        f"{played} schedules of {len(pairs)} pairs in {seconds:.0f} s;"
        f" {len(results) - len(good)} of {len(results)} explorations went wrong"
    )
    if wanted.json:
        _write(wanted.json, _report([_row(found) for found in results], seconds, wanted))
    return 0 if len(good) == len(results) else 1


def _explore(
    pair: type[Pair], sandbox: Sandbox, wanted: argparse.Namespace, *, control: bool
) -> Found:
    with Explorer(pair, sandbox, control=control) as explorer:
        limit = _limit(pair, wanted, control=control)
        found = explorer.explore(limit=limit, seed=wanted.seed, told=_progress())
        found.is_sample = limit is not None and found.schedules >= limit
        if wanted.random and not control and not found.violations:
            found = explorer.wander(wanted.random, seed=wanted.seed)
        return found


def _limit(pair: type[Pair], wanted: argparse.Namespace, *, control: bool) -> int | None:
    """How many schedules at most; a control goes on until it breaks."""
    if wanted.others is None or control or pair.title() in WHOLE:
        limit: int | None = wanted.limit
        return limit
    return min(wanted.others, wanted.limit or wanted.others)


def _tell_one(pair: type[Pair], sandbox: Sandbox, wanted: argparse.Namespace) -> int:
    """Every step of one schedule, and what was wrong afterwards."""
    with Explorer(pair, sandbox, control=wanted.control) as explorer:
        run = explorer.play(Written(parse(wanted.schedule)))
        for number, choice in enumerate(run.choices, start=1):
            _say(f"{number:3} {'  ' * (ord(choice.who) - 65)}{choice.who} {choice.point[:150]}")
        for name, ended in zip("ABC", run.ended, strict=False):
            _say(
                f"{name} ended: {ended.error!r}"
                if ended.error
                else f"{name}: {ended.value!r}"[:300]
            )
        for violation in explorer.found.violations:
            _say("\n".join(f"BROKEN: {what}" for what in violation.broke))
        return 1 if explorer.found.violations else 0


def _line(found: Found) -> str:
    what = f"{found.pair}{' (control)' if found.is_control else ''}"
    numbers = (
        f"{found.schedules:5} schedules {found.per_second:5.1f}/s longest {found.longest:3}"
        f" waits {found.waits:4} conflicts {found.conflicts or '-'}"
        + "".join(f"\n      diverged: {what}" for what in found.diverged)
    )
    if not found.violations:
        return f"{'NOTHING BROKE' if found.is_control else 'ok'}  {what:52} {numbers}"
    verdict = "ok" if found.is_control else "BROKEN"
    return f"{verdict}  {what:52} {numbers}\n      {found.violations[0]}"


def _progress() -> Callable[[Found], None]:
    told_at = time.monotonic()

    def tell(found: Found) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _TELL_EVERY_SECONDS:
            told_at = time.monotonic()
            _say(f"      {found.pair}: {found.schedules} schedules, {found.per_second:.1f}/s")

    return tell


def _write(name: str, report: dict[str, Any]) -> None:
    Path(name).write_text(json.dumps(report, indent=1) + "\n")


def _row(found: Found) -> dict[str, Any]:
    return asdict(found) | {"per_second": round(found.per_second, 1)}


def _report(
    results: list[dict[str, Any]], seconds: float, wanted: argparse.Namespace
) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 1),
        "preemptions": BOUND,
        "limit": wanted.limit,
        "seed": wanted.seed,
        "python": platform.python_version(),
        "django": django.__version__,
        "explorations": results,
    }


def _first_line(pair: type[Pair]) -> str:
    return (pair.__doc__ or "").strip().partition("\n")[0]


@contextmanager
def _a_database() -> Iterator[None]:
    if worker := os.environ.get(workers.WORKER):
        connection.settings_dict["TEST"]["NAME"] = f"test_explorer_{worker}"
    made = setup_databases(verbosity=0, interactive=False)
    try:
        yield
    finally:
        connection.close()
        teardown_databases(made, verbosity=0)


@contextmanager
def _a_processor(folder: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(folder).start()
    try:
        yield sandbox
    finally:
        sandbox.stop()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
