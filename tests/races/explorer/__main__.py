"""`python -m tests.races.explorer`: play schedules, all of them or one; non-zero when one breaks.

--all                                  every pair, every schedule, and every control
--pair capture-meets-void              one pair
--pair X --schedule A4BA [--control]   one schedule, step by step
--all --random 500 --seed 7            and random walks besides
--all --workers 2                      the pairs dealt out among two processes
--all --others 60                      of the pairs that need not be whole, a sample
"""

import argparse
import importlib
import sys

from tests.races.explorer import house


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.races.explorer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--all", action="store_true", help="every pair")
    parser.add_argument("--list", action="store_true", help="name the pairs")
    parser.add_argument("--pair", action="append", default=[], help="this pair (more than once)")
    parser.add_argument("--schedule", help="only this one, told step by step")
    parser.add_argument("--control", action="store_true", help="without the guard")
    parser.add_argument("--limit", type=int, help="at most so many schedules a pair")
    parser.add_argument("--others", type=int, help="the same, but for pairs that must be whole")
    parser.add_argument("--random", type=int, default=0, help="so many random walks a pair")
    parser.add_argument("--seed", type=int, default=0, help="of the walks, and of a limited sample")
    parser.add_argument("--workers", type=int, default=1, help="processes that share the pairs")
    parser.add_argument("--json", help="write the numbers to this file")
    chosen = parser.parse_args()
    if not (chosen.all or chosen.pair or chosen.list):
        parser.error("say --all, --pair NAME or --list")
    return chosen


if __name__ == "__main__":
    wanted = _arguments()
    with house.opened() as folder:
        sys.exit(importlib.import_module("tests.races.explorer.command").main(wanted, folder))
