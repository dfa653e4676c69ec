"""`manage.py deliver_webhooks`: number the feed and tell subscribers, until stopped."""

import logging
import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import FrameType
from typing import Any, Final

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, connection

from events import feed, webhook_delivery
from events.models import WebhookDelivery
from events.nudge import CHANNEL

_log = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 0.2  # how late a nudge is heard while requests are under way


class Command(BaseCommand):
    """Any number may run: one at a time numbers the feed, deliveries are leased one by one.

    Receivers are slow, so each request has a thread, and what is claimed has one that is free.
    """

    help = __doc__ or ""
    running = True

    def add_arguments(self, parser: CommandParser) -> None:
        """`--drain` stops when nothing is due, for scripts."""
        parser.add_argument("--drain", action="store_true", help="stop when nothing is due")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Deliver until SIGTERM or Ctrl-C; a lost database is waited for, not died of."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)
        self.under_way: set[Future[None]] = set()
        self.one_ended = threading.Event()
        with ThreadPoolExecutor(settings.WEBHOOK_THREADS, thread_name_prefix="webhook") as pool:
            while self.running:
                try:
                    self._deliver(pool, drain=options["drain"])
                except (DatabaseError, InterfaceError, psycopg.Error) as error:
                    _log.warning("webhooks: database not available (%s)", error)
                    connection.close()
                    time.sleep(0.5)
                if options["drain"]:
                    return

    def _deliver(self, pool: ThreadPoolExecutor, *, drain: bool) -> None:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        while self.running:
            was_idle = not self.under_way  # before it looks: what ends meanwhile may free a turn
            published = feed.publish()
            if not self._start_one(pool) and not published:
                if drain and was_idle:
                    return
                self._wait(was_idle=was_idle)

    def _start_one(self, pool: ThreadPoolExecutor) -> bool:
        """Whether a thread was free and something due: then that thread is sending it."""
        if len(self.under_way) >= settings.WEBHOOK_THREADS:
            return False
        delivery = webhook_delivery.claim()
        if delivery is None:
            return False
        sending = pool.submit(self._send, delivery)
        self.under_way.add(sending)
        sending.add_done_callback(self._ended)
        return True

    def _ended(self, sending: Future[None]) -> None:
        self.under_way.discard(sending)
        self.one_ended.set()

    def _send(self, delivery: WebhookDelivery) -> None:
        try:
            webhook_delivery.deliver(delivery)
        except Exception:  # noqa: BLE001 - logged with its trace; its lease brings it back
            _log.exception("webhooks: %s could not be closed", delivery.reference)
            connection.close()
        finally:
            connection.close_if_unusable_or_obsolete()

    def _wait(self, *, was_idle: bool) -> None:
        """Until somebody nudges or a request ends, at most one poll interval.

        A request that ends may let its endpoint, or this deliverer, begin another.
        """
        if not was_idle:
            self.one_ended.wait(timeout=_LOOK_SECONDS)
            self.one_ended.clear()
            return
        raw = connection.connection
        for _ in raw.notifies(timeout=settings.WEBHOOK_POLL_SECONDS, stop_after=1):
            pass

    def _stop(self, _signum: int, _frame: FrameType | None) -> None:
        self.running = False
