"""`manage.py relay_outbox`: carry committed events to Celery, woken by LISTEN, until stopped."""

import logging
import signal
import time
from types import FrameType
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, connection

from events.nudge import CHANNEL
from events.relay import relay_batch

_log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Any number may run: rows are claimed with SKIP LOCKED."""

    help = __doc__ or ""
    running = True

    def add_arguments(self, parser: CommandParser) -> None:
        """`--drain` stops when nothing is due, for scripts."""
        parser.add_argument("--drain", action="store_true", help="stop when nothing is due")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Relay until SIGTERM or Ctrl-C; a lost database is waited for, not died of."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)
        while self.running:
            try:
                self._relay(drain=options["drain"])
            except (DatabaseError, InterfaceError, psycopg.Error) as error:
                _log.warning("relay: database not available (%s)", error)
                connection.close()
                time.sleep(0.5)
            if options["drain"]:
                return

    def _relay(self, *, drain: bool) -> None:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        while self.running:
            if relay_batch(limit=settings.RELAY_BATCH) == 0:
                if drain:
                    return
                self._wait()

    def _wait(self) -> None:
        """Until somebody nudges, at most one poll interval."""
        raw = connection.connection
        for _ in raw.notifies(timeout=settings.RELAY_POLL_SECONDS, stop_after=1):
            pass

    def _stop(self, _signum: int, _frame: FrameType | None) -> None:
        self.running = False
