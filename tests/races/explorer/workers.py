"""The pairs dealt out among several processes, and their numbers put together again.

Each worker is the command itself with some of the pairs: its own test database on the one
server, its own processor, its own stage.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

WORKER: Final = "EXPLORER_WORKER"  # the number of this worker, in its environment


def deal(names: Sequence[str], *, workers: int) -> list[list[str]]:
    """Names for each worker, none of them empty-handed."""
    return [list(names[first::workers]) for first in range(min(workers, len(names)))]


def explore(names: Sequence[str], wanted: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """What every worker told, in the order of the hands; one that told nothing is an empty dict."""
    hands = deal(names, workers=wanted.workers)
    files = [folder / f"worker-{number}.json" for number in range(len(hands))]
    running = [
        subprocess.Popen(
            _command(hand, wanted, file), env=os.environ | {WORKER: str(number)}
        )
        for number, (hand, file) in enumerate(zip(hands, files, strict=True))
    ]  # fmt: skip
    for child in running:
        child.wait()
    return [json.loads(file.read_text()) if file.is_file() else {} for file in files]


def _command(hand: Sequence[str], wanted: argparse.Namespace, file: Path) -> list[str]:
    limits = {"--limit": wanted.limit, "--others": wanted.others}
    given = {flag: most for flag, most in limits.items() if most is not None}
    limited = [word for flag, most in given.items() for word in (flag, str(most))]
    return [
        sys.executable, "-m", "tests.races.explorer", "--json", str(file),
        *(word for name in hand for word in ("--pair", name)), *limited,
        "--random", str(wanted.random), "--seed", str(wanted.seed),
        *(["--control"] if wanted.control else []),
    ]  # fmt: skip


def merged(told: Sequence[dict[str, Any]], *, names: Sequence[str]) -> list[dict[str, Any]]:
    """Every exploration, in the order of `names`, a pair before its control."""
    every = [each for one in told for each in one.get("explorations", [])]
    return sorted(every, key=lambda each: (names.index(each["pair"]), each["is_control"]))
