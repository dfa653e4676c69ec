"""An acknowledgement that Redis does not answer costs a worker nothing but that message."""

import os
import signal
import tempfile
from pathlib import Path

import kombu
import pytest
from celery import bootsteps
from celery.utils.imports import symbol_by_name
from kombu.transport import redis as transport

from checkout_project import embedded
from checkout_project.celery import app
from checkout_project.prefetch import Prefetch

OPTIONS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}


@pytest.fixture(scope="module")
def broker():
    """A Redis of its own, which may be stopped."""
    with tempfile.TemporaryDirectory(prefix="checkout-broker-") as folder:
        place = Path(folder)
        place.chmod(0o711)
        cluster = embedded.start(place / "servers", durable=False)
        yield cluster
        cluster.stop()


@pytest.fixture
def line(broker):
    with kombu.Connection(broker.addresses.broker_url, transport_options=OPTIONS) as line:
        yield line


def one_under_way(line, monkeypatch, *, counted_by):
    """A message taken at a prefetch of one, on a channel that counts in this way."""
    monkeypatch.setattr(transport.Channel, "QoS", counted_by)
    channel = line.channel()
    channel.basic_qos(0, 1, False)
    queue = kombu.Queue("waiting", channel=channel)
    queue.declare()
    queue.purge()
    line.Producer().publish({}, routing_key="waiting")
    return channel, queue.get(no_ack=False)


def end_it_in_silence(broker, message, ending):
    """Redis accepts and never answers while the message is acknowledged or put back."""
    os.kill(broker.redis.pid, signal.SIGSTOP)
    try:
        with pytest.raises(transport.redis.exceptions.TimeoutError):
            getattr(message, ending)()
    finally:
        os.kill(broker.redis.pid, signal.SIGCONT)


@pytest.mark.parametrize("ending", ["ack", "reject", "requeue"])
def test_whoever_was_not_answered_takes_the_next_message(broker, line, monkeypatch, ending):
    channel, message = one_under_way(line, monkeypatch, counted_by=Prefetch)
    assert not channel.qos.can_consume()

    end_it_in_silence(broker, message, ending)

    assert channel.qos.can_consume()


def test_without_that_it_would_never_take_one_again(broker, line, monkeypatch):
    """The control; when this fails, kombu has mended it and checkout_project/prefetch.py may go."""
    channel, message = one_under_way(line, monkeypatch, counted_by=transport.QoS)

    end_it_in_silence(broker, message, "ack")

    assert not channel.qos.can_consume()


def test_every_worker_counts_so(monkeypatch):
    monkeypatch.setattr(transport.Channel, "QoS", transport.QoS)

    for step in map(symbol_by_name, app.steps["worker"]):
        if not issubclass(step, bootsteps.StartStopStep):  # those begin with the worker
            step(None).include(None)

    assert transport.Channel.QoS is Prefetch
