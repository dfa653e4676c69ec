"""A wake-up for the relay after a commit: best effort, and never in the way of a request.

A NOTIFY inside the order's transaction would make all such commits queue behind one lock in
PostgreSQL while they reach the disk; so one thread per process sends it, after the fact, on
a connection of its own, once for however many commits came together. A lost nudge costs a
poll interval, nothing else.
"""

import logging
import os
import threading
from typing import Final

from django.conf import settings
from django.db import connection

CHANNEL: Final = "outbox"
_log = logging.getLogger(__name__)
_wanted = threading.Event()
_started_in: set[int] = set()
_lock = threading.Lock()


def the_relay() -> None:
    """Ask for a nudge soon; returns at once."""
    if not settings.OUTBOX_NUDGE:
        return
    _wanted.set()
    if os.getpid() not in _started_in:
        with _lock:
            if os.getpid() not in _started_in:
                _started_in.add(os.getpid())
                threading.Thread(target=_nudge_forever, name="nudge", daemon=True).start()


def _nudge_forever() -> None:
    while True:
        _wanted.wait()
        _wanted.clear()
        _nudge_once()


def _nudge_once() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    except Exception:  # noqa: BLE001 - a nudge is best effort; the relay polls anyway
        _log.debug("a nudge was lost", exc_info=True)
        connection.close()
