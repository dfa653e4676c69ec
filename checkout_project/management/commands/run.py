"""`manage.py run`: the whole shop on this machine until Ctrl-C, with a login and a request."""

import os
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from checkout_project import opening
from checkout_project.embedded import DATA
from checkout_project.processes import HOST, NAMES, Shop, ShopFailed, free_port, is_free

WEB_PORT = 8000
SANDBOX_PORT = 8111
WATCH_SECONDS = 1.0


class Command(BaseCommand):
    """Every process of a shop; no sandbox where STRIPE_API_BASE names a processor."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The web server's port and size; a default port that is in use gives way to a free one."""
        parser.add_argument("--port", type=int, default=0, help=f"default: {WEB_PORT}, if free")
        parser.add_argument("--workers", type=int, default=1, help="web worker processes")
        parser.add_argument("--threads", type=int, default=8, help="threads of each web worker")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        """Open, show the way in, and watch until told to stop."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        shop = self._shop(options)
        try:
            self._say("Preparing the database")
            opening.make_tables()
            if opening.load_samples():
                self._say("Loaded the sample catalog, tax and shipping rates")
            self._say(f"Starting {', '.join(shop.names)}; logs in {shop.folder}")
            with shop:
                self._show_the_way_in(shop)
                connection.close()
                while True:
                    time.sleep(WATCH_SECONDS)
                    for name in shop.start_again():
                        self._say(f"{name} ended by itself and was started again; see its log.")
        except KeyboardInterrupt:
            self._say("Stopped.")
        except (ShopFailed, opening.CatalogEmpty) as error:
            raise CommandError(str(error)) from error

    def _shop(self, options: dict[str, Any]) -> Shop:
        theirs = os.environ.get("STRIPE_API_BASE")
        return Shop(
            folder=DATA / "run-logs",
            names=tuple(name for name in NAMES if not (theirs and name == "sandbox")),
            web_port=options["port"] or preferred(WEB_PORT),
            sandbox_port=preferred(SANDBOX_PORT),
            web_workers=options["workers"],
            web_threads=options["threads"],
            journal=DATA / "sandbox-journal.sqlite3",
        )

    def _show_the_way_in(self, shop: Shop) -> None:
        login = opening.staff_login(DATA / "admin-password")
        key = opening.client_key()
        self._say(
            f"\nThe shop is open at {shop.web_url}  (Ctrl-C closes it)\n"
            f"  Admin    {shop.web_url}/admin/\n"
            f"  Login    {login.username} / {login.password or '(the password you chose)'}\n"
            f"  API key  {key}\n\n"
            "Buy something; the same command again replays the same answer:\n\n"
            f"{opening.curl(shop.web_url, key=key)}\n"
        )

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def preferred(port: int) -> int:
    """This port when it is free, else any that is."""
    return port if is_free(HOST, port) else free_port()
