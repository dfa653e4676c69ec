"""`manage.py demo`: eight stories over real HTTP, with their promises checked.

The demo brings servers of its own in a temporary folder, so a shop's rows are never touched.
With DATABASE_URL set, it uses a new database `checkout_demo_<random>` on that server, dropped at
the end (the role needs CREATEDB). With CELERY_BROKER_URL set, that broker is used while it is idle,
and its queues are removed at the end. Ends with 1 when a promise was broken.
"""

import datetime as dt
import signal
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from checkout_project.demo.broker import BrokerInUse
from checkout_project.demo.day import night
from checkout_project.demo.narrator import Narrator
from checkout_project.demo.play import demo
from checkout_project.demo.prepare import prepare
from checkout_project.demo.servers import NoServer
from checkout_project.embedded import EmbeddedError
from checkout_project.processes import ShopFailed

INTERRUPTED = 130


class Command(BaseCommand):
    """Plays the stories; every process it starts ends with it."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to stay open afterwards."""
        stay = "keep the shop open until Ctrl-C, with the admin's address and login on screen"
        parser.add_argument("--stay", action="store_true", help=stay)
        parser.add_argument("--prepare", type=Path, help="(used by the demo itself)")
        parser.add_argument("--reports", type=Path, help="(the same)")
        parser.add_argument("--night", nargs="+", type=dt.date.fromisoformat, help="(the same)")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        """Exit codes: 0 every promise kept, 1 one was broken, 130 interrupted."""
        if options["prepare"]:
            prepare(options["prepare"])
            return
        if options["night"]:
            night.compare(options["night"], reports=options["reports"])
            return
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            kept = demo(Narrator(sys.stdout), stay=options["stay"])
        except KeyboardInterrupt:
            self.stderr.write("Stopped; nothing is left running.")
            sys.exit(INTERRUPTED)
        except (ShopFailed, NoServer, BrokerInUse, EmbeddedError) as error:
            raise CommandError(str(error)) from error
        if not kept:
            sys.exit(1)
