"""Crash trials.

    python -m tests.crash --all                       every point, side, outcome and variant
    python -m tests.crash --small                     some of it, in about a minute
    python -m tests.crash --flow checkout             one flow
    python -m tests.crash --flow checkout --outcome decline --point 7 --side after --variant again
    python -m tests.crash --list                      the points, without a trial

Servers of its own are started unless DATABASE_URL and CELERY_BROKER_URL name some.
"""

import argparse
import contextlib
import importlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import django

from checkout_project import embedded
from tests import services


def arguments() -> argparse.Namespace:
    """What can be asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--all", action="store_true", help="every flow and 1,000 double crashes")
    add("--small", action="store_true", help="a sample that takes about a minute, and each plant")
    add("--list", action="store_true", help="show the points of the flows asked for, and stop")
    add("--flow", action="append", default=[], metavar="NAME")
    add("--outcome", action="append", default=[], metavar="NAME")
    add("--variant", action="append", default=[], choices=["again", "never"])
    add("--point", action="append", default=[], type=int, metavar="N")
    add("--side", action="append", default=[], choices=["before", "after", "lost"])
    add("--second", type=int, metavar="N", help="kill the recovery as well, at its point N")
    add("--second-side", default="before", choices=["before", "after"])
    add("--sample", type=int, default=0, metavar="N", help="N trials, drawn by the seed")
    add("--double", type=int, default=None, metavar="N", help="N double crashes")
    add("--seed", type=int, default=1, help="draws samples and doubles")
    add("--workers", type=int, default=2)
    add("--plant", default="", metavar="BUG", help="put a known bug in (see plants.py)")
    add("--json", metavar="FILE", help="write counts, versions and failures")
    return parser.parse_args()


def main() -> int:
    """Servers, Django, then the run; 0 when nothing is wrong."""
    options = arguments()
    if not (options.all or options.small or options.list or options.flow):
        sys.stderr.write("Say --all, --small or --flow NAME; --help tells the rest.\n")
        return 2
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _end)
    with _a_folder() as folder, embedded.provided(os.environ, data=folder, durable=False):
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.crash.settings"
        django.setup()
        command = importlib.import_module("tests.crash.command")
        return int(command.execute(options, folder=folder))


def _end(signum: int, _frame: FrameType | None) -> None:
    """An interrupted run stops its servers and removes its folder as well."""
    sys.exit(128 + signum)


@contextlib.contextmanager
def _a_folder() -> Iterator[Path]:
    services.sweep()
    folder = Path(tempfile.mkdtemp(prefix=services.PREFIX))
    folder.chmod(0o711)  # as root, the servers run as somebody who must be able to pass
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
