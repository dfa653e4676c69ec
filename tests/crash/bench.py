"""One worker's own things: a database, a processor, a corner of the broker, a flight recorder.

Sweeps take whatever is due, and a trial moves the clock by days; so no two workers may share a
database. None of them opens a connection: every connection belongs to a child and dies with it.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import httpx
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from foundation.edge.authentication import ApiKeyAuthentication
from orders import rate_tables
from payments import processors
from tests import builders
from tests.crash import broker
from tests.crash.forks import Resident, in_a_child
from tests.crash.memory import FlightRecorder
from tests.crash.outcomes import TIMED_OUT_SECONDS, Outcome
from tests.crash.standstill import LOOK_AWAY, Broom, Standstills
from tests.sandbox import Sandbox

_MAINTENANCE: Final = connection.settings_dict["NAME"]
_READ_SECONDS: Final = settings.STRIPE_READ_SECONDS
_PREFIX: Final = f"crash_{os.getpid()}"
TEMPLATE: Final = f"{_PREFIX}_template"
ACTOR: Final = "crash-actor"
WORLD: Final = "crash-world"


class Bench:
    """What a worker keeps from trial to trial."""

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.database = f"{_PREFIX}_{number}"
        self.recorder = FlightRecorder()
        self.mails = folder / f"mail-{number}"
        self.standstills = Standstills(folder)
        place = folder / f"sandbox-{number}"
        place.mkdir()
        self.sandbox = Sandbox(place)
        self._resident: Resident | None = None
        self._broom: Broom | None = None
        self._settled_in = 0

    def open(self) -> None:
        """Start the processor and make the database."""
        self.sandbox.start()
        self.sandbox.http.close()
        self.renew()

    def resident(self, parts: Mapping[str, Callable[..., None]]) -> Resident:
        """The process that lives on from trial to trial, forked when it is first wanted."""
        if self._resident is None:
            self._resident = Resident(parts, self)
        return self._resident

    def let_go(self) -> None:
        """End the process that lives on."""
        if self._resident is not None:
            self._resident.dismiss()
            self._resident = None

    def broom(self, since: int) -> Broom:
        """In the process that lives on, as long as its database: `since` of the first trial."""
        if self._broom is None:
            self._broom = Broom(since)
        return self._broom

    def renew(self) -> None:
        """An empty shop: what a failed trial left behind must not fail the next one."""
        self.let_go()
        self.mails.unlink(missing_ok=True)
        _admin(
            f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)",
            f"CREATE DATABASE {self.database} TEMPLATE {TEMPLATE}",
        )

    def close(self) -> None:
        """Stop the processor, drop the database."""
        self.sandbox.stop()
        _admin(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")

    def settle_in(self, outcome: Outcome, *, name: str) -> None:
        """In a child: connections of its own, and the settings of this outcome."""
        if self._settled_in != os.getpid():
            self._settled_in = os.getpid()
            self._connect(name)
        settings.STRIPE_READ_SECONDS = TIMED_OUT_SECONDS if outcome.is_silent else _READ_SECONDS
        processors.processor.cache_clear()
        rate_tables.forget()
        ApiKeyAuthentication._believed.clear()

    def _connect(self, name: str) -> None:
        connection.settings_dict["NAME"] = self.database
        connection.settings_dict["OPTIONS"]["application_name"] = name
        settings.STRIPE_API_BASE = self.sandbox.url
        settings.CRASH_MAIL_FILE = str(self.mails)
        broker.keep_apart(f"{_PREFIX}:{self.number}:")
        self.sandbox.http = httpx.Client(
            base_url=self.sandbox.url,
            timeout=10,
            verify=False,  # noqa: S501 - plain HTTP; a TLS context would cost more than the call
            trust_env=False,
        )

    def disconnect(self) -> None:
        """Close whatever this process had opened, so that its children inherit nothing."""
        self._settled_in = 0
        connection.close()
        processors.processor.cache_clear()
        broker.disconnect()
        self.sandbox.http.close()


def make_template() -> None:
    """The schema and what every shop has, once; each bench's database is a copy."""
    _admin(f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}")
    _in_database(TEMPLATE)


def drop_template() -> None:
    """When all is done."""
    _admin(f"DROP DATABASE IF EXISTS {TEMPLATE}")


def _in_database(name: str) -> None:
    def work(_line: object) -> None:
        connection.settings_dict["NAME"] = name
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute(LOOK_AWAY)
        builders.a_shop()

    _must(in_a_child(work).told("error"))


def _admin(*statements: str) -> None:
    def work(_line: object) -> None:
        connection.settings_dict["NAME"] = _MAINTENANCE
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    _must(in_a_child(work).told("error"))


def _must(errors: list[str]) -> None:
    if errors:
        raise RuntimeError(errors[0])
