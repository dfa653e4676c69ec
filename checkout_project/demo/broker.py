"""A broker of one's own, lent to the demo: only when idle, and left as it was found."""

import contextlib
from collections.abc import Iterator
from typing import Any

from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError

from checkout_project.processes import QUEUES

CONNECT_SECONDS = 4
PING_SECONDS = 1.0
REDIS_LEFTOVERS = (
    *("unacked", "unacked_index", "unacked_mutex", "_kombu.binding_deadlines"),
    *(f"_kombu.{kind}.{queue}" for kind in ("binding", "binding_permanent") for queue in QUEUES),
)


class BrokerInUse(RuntimeError):
    """Somebody works with the queues that the demo would use."""


@contextlib.contextmanager
def borrowed(url: str) -> Iterator[None]:
    """The queues for the life of this block; raises `BrokerInUse` rather than mix two shops."""
    _refuse_when_used(url)
    try:
        yield
    finally:
        _leave_nothing(url)


def worker_answers(url: str) -> bool:
    """Whether a Celery worker listens there."""
    with Celery(set_as_current=False) as asker:
        # Named apart: a CELERY_BROKER_URL in the environment would win over `broker_url`.
        asker.conf.update(broker_read_url=url, broker_write_url=url)
        return bool(asker.control.inspect(timeout=PING_SECONDS, limit=1).ping())


def _refuse_when_used(url: str) -> None:
    try:
        with Connection(url, connect_timeout=CONNECT_SECONDS) as line:
            line.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS)
            waiting = [queue for queue in QUEUES if _length(line, queue)]
        answering = not waiting and worker_answers(url)
    except (OperationalError, OSError) as error:
        raise BrokerInUse(f"CELERY_BROKER_URL: {url.split('@')[-1]} is silent: {error}") from error
    if waiting or answering:
        found = f"messages in {', '.join(waiting)}" if waiting else "workers that answer"
        raise BrokerInUse(
            f"CELERY_BROKER_URL: there are {found}, and two shops must not share queues.\n"
            "Name another Redis database or RabbitMQ virtual host, or unset CELERY_BROKER_URL."
        )


def _length(line: Connection, queue: str) -> int:
    channel: Any
    with line.channel() as channel:
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except line.channel_errors:
            return 0  # there is no such queue yet


def _leave_nothing(url: str) -> None:
    """Also what a killed worker had taken and never acknowledged."""
    channel: Any
    with contextlib.suppress(OperationalError, OSError), Connection(url) as line:
        for queue in QUEUES:
            with line.channel() as channel, contextlib.suppress(*line.channel_errors):
                channel.queue_delete(queue)
        if line.transport.driver_type == "redis":
            with line.channel() as channel:
                channel.client.delete(*REDIS_LEFTOVERS)
