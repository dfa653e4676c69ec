"""`python -m benchmarks`: measure, print a table, keep the figures."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import report, run
from benchmarks.sizes import FULL, QUICK, TINY, Sizes
from checkout_project.embedded import EmbeddedError
from checkout_project.processes import ROOT

RESULTS = ROOT / "benchmarks" / "results"


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="well under a minute, less exact")
    size.add_argument("--tiny", action="store_true", help="only whether everything runs")
    parser.add_argument("--clients", type=int, help="requests in flight, and pgbench's clients")
    parser.add_argument("--workers", type=int, help="web worker processes")
    parser.add_argument("--threads", type=int, help="threads of each web worker")
    parser.add_argument("--tune", action="store_true", help="try several web server settings")
    parser.add_argument("--write-docs", action="store_true", help="write docs/benchmarks.*")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of latest.json")
    return parser.parse_args(words)


def _sizes(options: argparse.Namespace) -> Sizes:
    chosen = QUICK if options.quick else TINY if options.tiny else FULL
    asked = {
        "clients": options.clients,
        "web_workers": options.workers,
        "web_threads": options.threads,
    }
    return replace(chosen, **{name: value for name, value in asked.items() if value})


def main(words: list[str] | None = None) -> int:
    """Goals missed are reported, not punished; a run that means nothing ends with 2."""
    options = _arguments(words)
    try:
        if options.tune:
            run.tune(_sizes(options))
            return 0
        made = run.bench(_sizes(options))
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1
    report.write(made, results=options.results, docs=ROOT / "docs" if options.write_docs else None)
    print(f"\n{made.as_table()}")
    return 2 if made.invalid else 0


if __name__ == "__main__":
    sys.exit(main())
