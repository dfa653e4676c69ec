"""A worker for one message at a time, on the real broker and with Celery's own machinery.

Takes a message, runs it through the tracer that a worker's child runs (which publishes the next
link of its chain), and acknowledges it afterwards, as `acks_late` does. What a killed worker
took stays unacknowledged at the broker, which may give it out again, or lose it.
"""

import json
from functools import cache
from typing import Any, Final

from celery.app.trace import trace_task_ret
from celery.worker.request import Request
from django.conf import settings
from kombu import pools

from checkout_project.celery import app

_MESSAGES_MAX: Final = 200  # a message that causes itself must not keep a trial for ever


class MessagesWithoutEnd(Exception):
    """More messages than any trial needs: something tells of itself."""


def queues() -> list[str]:
    """Every queue that a task of ours waits in."""
    return sorted({route["queue"] for route in settings.CELERY_TASK_ROUTES.values()})


def work_off() -> int:
    """Run whatever waits, and what follows from it, to the end; returns how many messages."""
    for count in range(_MESSAGES_MAX):
        waiting = _waiting()
        if not waiting:
            return count
        take(waiting[0])
    raise MessagesWithoutEnd(f"the messages do not come to an end: {_MESSAGES_MAX} at once")


def take(queue: str) -> bool:
    """Run one message of this queue and acknowledge it; False when none waits."""
    message = _channel().basic_get(queue)
    if message is None:
        return False
    request = Request(message, app=app, hostname="crash")
    trace_task_ret(
        request.type, request.id, request.request_dict, message.body,
        message.content_type, message.content_encoding, app=app,
    )  # fmt: skip
    message.ack()
    return True


def redeliver() -> None:
    """The broker notices that workers died: what they had taken is given out again."""
    channel = _channel()
    with channel.conn_or_acquire() as client:
        for tag in client.zrange(channel.unacked_index_key, 0, -1):
            channel.qos.restore_by_tag(tag, client)


def forget() -> None:
    """The broker loses everything it had."""
    channel = _channel()
    with channel.conn_or_acquire() as client:
        client.delete(channel.unacked_key, channel.unacked_index_key, *queues())


def _waiting() -> list[str]:
    """The queues with a message in them."""
    with _channel().conn_or_acquire() as client:
        pipe = client.pipeline(transaction=False)
        for queue in queues():
            pipe.llen(queue)
        return [queue for queue, length in zip(queues(), pipe.execute(), strict=True) if length]


def waiting_bodies() -> list[str]:
    """What waits in any queue, or was taken and not acknowledged: names of tasks, in order."""
    channel = _channel()
    with channel.conn_or_acquire() as client:
        waiting = [
            f"{name}: {_task(raw)}" for name in queues() for raw in client.lrange(name, 0, -1)
        ]
        taken = [f"taken: {_task(raw)}" for raw in client.hvals(channel.unacked_key)]
    return waiting + sorted(taken)


def _task(raw: bytes) -> str:
    told = json.loads(raw)
    message = told[0] if isinstance(told, list) else told
    return f"{message['headers']['task']} {message['headers']['argsrepr']}"


@cache
def _channel() -> Any:
    """This process's own line to the broker; a forked child opens another (see `keep_apart`)."""
    return app.connection_for_read().default_channel


def disconnect() -> None:
    """Close every line of this process; the next one is opened anew."""
    _channel().connection.client.release()
    _channel.cache_clear()
    app.pool.force_close_all()
    app._after_fork()
    pools.reset()


def keep_apart(prefix: str) -> None:
    """In a child: begin every key with `prefix`, because others use the same server."""
    options = app.conf.broker_transport_options
    app.conf.broker_transport_options = {**options, "global_keyprefix": prefix}
    _channel.cache_clear()
