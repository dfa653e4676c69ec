"""A worker that has gone deaf ends itself, so that whoever runs it starts it again.

Celery's main process can live on and take no message any more: after the broker's connection was
reset (celery #10205, #10302), or when its children die at a bad moment and the messages that were
theirs keep its whole prefetch. Nothing is lost by that, for what is due stands in PostgreSQL; but
the sweeps that would tell it again are tasks, too, and lie in the same queues.

So a thread of the worker looks every few seconds. Deaf is: messages wait in a queue that it takes
from, and for `WORKER_DEAF_SECONDS` it has neither taken nor finished one, though none runs (while
one runs: for that long after the hard limit of a task). It then ends as by `kill -9`, which is what
redelivery and the sweeps are proven against.
"""

import os
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

import structlog
from celery import Celery, bootsteps
from celery.worker import state
from django.conf import settings

LOOK_SECONDS: Final = 5.0
EX_SOFTWARE: Final = 70  # sysexits.h: an internal error; a supervisor starts it again

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Patience:
    """How long nothing has happened while something should have; seconds of one clock."""

    idle_seconds: float
    busy_seconds: float
    _seen: object = None
    _since: float = 0.0

    def is_over(self, *, now: float, seen: object, is_busy: bool, is_waited_for: bool) -> bool:
        """Whether `seen` has stood still for too long; `is_waited_for`: messages lie unread."""
        if seen != self._seen or not is_waited_for:
            self._seen, self._since = seen, now
            return False
        return now - self._since > (self.busy_seconds if is_busy else self.idle_seconds)


class Listening(bootsteps.StartStopStep):
    """The thread, as a step of a worker that starts and stops with it."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        self.over = threading.Event()
        super().__init__(parent, **kwargs)

    def include_if(self, parent: Any) -> bool:  # noqa: ARG002 - Celery's signature
        """Not where WORKER_DEAF_SECONDS is 0."""
        return bool(settings.WORKER_DEAF_SECONDS > 0)

    def start(self, parent: Any) -> None:
        """Begin to look; the thread ends with the process."""
        watch = threading.Thread(
            target=end_when_deaf, args=(parent.app, self.over), name="listening", daemon=True
        )
        watch.start()

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """A worker that is leaving takes nothing, and is right not to."""
        self.over.set()

    close = terminate = stop


def end_when_deaf(app: Celery, over: threading.Event) -> None:
    """Look until `over`; does not return from a worker that has gone deaf."""
    patience = Patience(
        idle_seconds=settings.WORKER_DEAF_SECONDS,
        busy_seconds=settings.CELERY_TASK_TIME_LIMIT + settings.WORKER_DEAF_SECONDS,
    )
    while not over.wait(LOOK_SECONDS):
        taken, running = state.all_total_count[0], len(state.active_requests)
        is_over = patience.is_over(
            now=time.monotonic(),
            seen=(taken, running),
            is_busy=running > 0,
            is_waited_for=messages_wait(app),
        )
        if is_over and not over.is_set():
            log.critical("worker_deaf", taken=taken, running=running)
            os._exit(EX_SOFTWARE)


def messages_wait(app: Celery) -> bool:
    """Whether a queue of this worker holds a message; no, when the broker can not be asked."""
    try:
        with app.connection_for_read() as line:
            return any(_holds_a_message(line, name) for name in list(app.amqp.queues.consume_from))
    except Exception:  # noqa: BLE001 - each broker has errors of its own; none makes a worker deaf
        return False


def _holds_a_message(line: Any, queue: str) -> bool:
    try:
        return bool(line.channel().queue_declare(queue, passive=True).message_count)
    except line.channel_errors:  # what holds nothing does not exist in Redis
        return False
