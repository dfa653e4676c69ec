"""What the command line asks for, once Django is there."""

import argparse
import sys
from pathlib import Path
from typing import Final

from tests.crash import flows, plan, run
from tests.crash.plan import Wish
from tests.crash.plants import PLANTS
from tests.crash.points import Blow

_DOUBLES_OF_ALL: Final = 1_000
_SAMPLE_OF_SMALL: Final = 60
_DOUBLES_OF_SMALL: Final = 10


def execute(options: argparse.Namespace, *, folder: Path) -> int:
    """Run, and say what came of it; 0 when nothing is wrong."""
    if wrong := _unknown(options):
        sys.stderr.write(f"{wrong}\n")
        return 2
    found = run.run(
        _wish(options), folder=folder, workers=options.workers, only_points=options.list
    )
    if options.list:
        for told in found.discoveries:
            sys.stdout.write(f"\n{told.trial.flow} / {told.trial.outcome}\n")
            sys.stdout.writelines(f"{point}\n" for point in plan.points_of(told))
    sys.stdout.write(f"{found.in_words()}\n")
    if options.json:
        found.write(options.json)
    return 0 if found.is_good else 1


def _unknown(options: argparse.Namespace) -> str:
    """What was named and does not exist; '' when all does."""
    for names, known in ((options.flow, flows.every()), (filter(None, [options.plant]), PLANTS)):
        for name in names:
            if name not in known:
                return f"No {name!r}; there are {', '.join(known)}."
    return ""


def _wish(options: argparse.Namespace) -> Wish:
    return Wish(
        flows=tuple(options.flow),
        outcomes=tuple(options.outcome),
        variants=tuple(options.variant),
        points=tuple(options.point),
        sides=tuple(options.side),
        second=None if options.second is None else Blow(options.second, options.second_side),
        plant=options.plant,
        sample=_SAMPLE_OF_SMALL if options.small else options.sample,
        doubles=_doubles(options),
        is_small=options.small,
        seed=options.seed,
    )


def _doubles(options: argparse.Namespace) -> int:
    usual = _DOUBLES_OF_ALL if options.all else _DOUBLES_OF_SMALL if options.small else 0
    return usual if options.double is None else options.double
