"""A circuit breaker before authorizations: a processor that is away is not waited for each time.

Only what is certain opens it: `ProcessorUnavailable`, which says that nothing happened. Only
a new authorization is held back by it, and then nothing is sent, so "unavailable" is the truth. It
never stands before a look-up, a capture, a release or a refund, and never turns an unknown
outcome into a no: any other answer, a time-out too, closes it.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from django.conf import settings

from payments.processors.base import ProcessorUnavailable

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Breaker:
    """For one processor, in one process: closed, open for a while, then one probe at a time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._failures = 0
        self._probe_from = 0.0  # on the monotonic clock

    def call(self, send: Callable[[], T]) -> T:
        """`send()`, or `ProcessorUnavailable` at once while the breaker is open."""
        self._pass()
        try:
            answer = send()
        except ProcessorUnavailable:
            self._count_failure()
            raise
        except BaseException:
            self._close()
            raise
        self._close()
        return answer

    def _pass(self) -> None:
        """Who passes an open breaker after its time is the probe; the others wait for it."""
        with self._lock:
            if self._failures < settings.BREAKER_FAILURES:
                return
            if time.monotonic() < self._probe_from:
                raise ProcessorUnavailable(f"{self._name} was away a moment ago: not sent")
            self._probe_from = time.monotonic() + settings.BREAKER_SECONDS

    def _count_failure(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures == settings.BREAKER_FAILURES:
                _log.error("breaker: %s is away; new authorizations are not sent", self._name)
            self._probe_from = time.monotonic() + settings.BREAKER_SECONDS

    def _close(self) -> None:
        with self._lock:
            if self._failures >= settings.BREAKER_FAILURES:
                _log.warning("breaker: %s answers again", self._name)
            self._failures = 0


@cache
def breaker(name: str) -> Breaker:
    """The breaker before this processor."""
    return Breaker(name)
