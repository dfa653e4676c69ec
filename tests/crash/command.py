"""What the command line asks for, once Django is there."""

import argparse
import sys
from pathlib import Path
from typing import Final

from tests.crash import flows, plan, run
from tests.crash.plan import Wish
from tests.crash.points import Blow

_DOUBLES_OF_ALL: Final = 1_000


def execute(options: argparse.Namespace, *, folder: Path) -> int:
    """Run, and say what came of it; 0 when nothing is wrong."""
    unknown = set(options.flow) - set(flows.every())
    if unknown:
        sys.stderr.write(f"No flow {', '.join(unknown)}; there are {', '.join(flows.every())}.\n")
        return 2
    found = run.run(
        _wish(options), folder=folder, workers=options.workers, planted=options.plant,
        only_points=options.list,
    )  # fmt: skip
    if options.list:
        for told in found.discoveries:
            sys.stdout.write(f"\n{told.trial.flow} / {told.trial.outcome}\n")
            sys.stdout.writelines(f"{point}\n" for point in plan.points_of(told))
    sys.stdout.write(f"{found.in_words()}\n")
    if options.json:
        found.write(options.json)
    return 0 if found.is_good else 1


def _wish(options: argparse.Namespace) -> Wish:
    doubles = options.double
    if doubles is None:
        doubles = _DOUBLES_OF_ALL if options.all else 0
    return Wish(
        flows=tuple(options.flow),
        outcomes=tuple(options.outcome),
        variants=tuple(options.variant),
        points=tuple(options.point),
        sides=tuple(options.side),
        every=options.every,
        doubles=doubles,
        second=None if options.second is None else Blow(options.second, options.second_side),
        seed=options.seed,
    )
