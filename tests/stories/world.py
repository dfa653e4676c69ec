"""What hard stories need: time, the sweeps, the real switchboard, and a world that breaks."""

import datetime as dt
import os
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from functools import cache

from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.utils.module_loading import import_string

from checkout_project.celery import app as celery_app
from events import relay
from foundation import clock, ids
from orders.models import Order
from payments import processors
from payments.processors.stripe import StripeProcessor
from tests import builders
from tests.races.crowd import at_once

NOBODY_LISTENS = "http://127.0.0.1:9"
_SWEEPS = (
    "recover_checkouts", "recover_cancellations", "resolve_unknown", "recover_actions",
    "expire_authorizations", "restart_stalled_orders", "work_processor_events",
    "finish_bulk_runs", "follow_unheard_payments", "send_due_mails", "deliver_webhooks",
)  # fmt: skip
_BATCHES_MAX = 50  # an event that causes itself must not keep a test for ever


def later(seconds=76.0):
    """Let time go by: leases run out, what was put off is due."""
    clock.move(dt.timedelta(seconds=seconds))


@cache
def _load_tasks():
    celery_app.loader.import_default_modules()


def sweep():
    """Every sweep of the timetable, once, as beat would start it."""
    _load_tasks()
    due = [job["task"] for job in settings.CELERY_BEAT_SCHEDULE.values()]
    sweeps = [name for name in due if name.endswith(_SWEEPS)]
    found = {name.rpartition(".")[2] for name in sweeps}
    assert found == set(_SWEEPS), "the timetable has lost a sweep"
    for name in sweeps:
        celery_app.tasks[name]()


def sweep_only(name):
    """One sweep of the timetable; the others do not run."""
    celery_app.loader.import_default_modules()
    (task,) = [
        j["task"] for j in settings.CELERY_BEAT_SCHEDULE.values() if j["task"].endswith(name)
    ]
    celery_app.tasks[task]()


def play(event):
    """What the worker does for one event: each link of each chain on the switchboard, in order."""
    _load_tasks()
    for route in settings.EVENT_ROUTES.get(event.type, ()):
        for link in _links(import_string(route)(event.payload)):
            celery_app.tasks[link.task](*link.args, **link.kwargs)


def _links(signature):
    parts = getattr(signature, "tasks", None)
    return [signature] if parts is None else [link for part in parts for link in _links(part)]


def play_batch():
    """Relay what is due, and do what the worker does for each; returns the types told."""
    batch = []
    relay.relay_batch(limit=200, send=batch.append)
    for event in batch:
        play(event)
    return [event.type for event in batch]


def play_events():
    """Relay whatever is due, and what follows from it, to the end; returns the types told."""
    told = []
    for _ in range(_BATCHES_MAX):
        batch = play_batch()
        if not batch:
            return told
        told += batch
    raise AssertionError("the events do not come to an end")


def lose_events():
    """Everything told so far was taken by a broker that then lost it all."""
    relay.relay_batch(limit=200, send=lambda event: None)


def drive_everything(rounds=1, *, seconds=76.0):
    """All that beat, relay and worker do, `rounds` times, with `seconds` before each."""
    for _ in range(rounds):
        later(seconds)
        sweep()
        play_events()


def sweeps(rounds=1, *, seconds=76.0):
    """What beat does, `rounds` times, with `seconds` before each; no event is carried on."""
    for _ in range(rounds):
        later(seconds)
        sweep()


@contextmanager
def processor_away():
    """Nobody answers at the processor's address."""
    healthy, settings.STRIPE_API_BASE = settings.STRIPE_API_BASE, NOBODY_LISTENS
    processors.processor.cache_clear()
    try:
        yield
    finally:
        settings.STRIPE_API_BASE = healthy
        processors.processor.cache_clear()


def elsewhere(action):
    """Run in another thread, on a connection of its own, and wait for it."""
    (result,) = at_once([action])
    return result


def meanwhile(monkeypatch, operation, action):
    """The next call of `operation` at the processor waits until `action` was done elsewhere."""
    real = getattr(StripeProcessor, operation)

    def delayed(self, **asked):
        monkeypatch.setattr(StripeProcessor, operation, real)
        elsewhere(action)
        return real(self, **asked)

    monkeypatch.setattr(StripeProcessor, operation, delayed)


def meanwhile_after(monkeypatch, operation, action):
    """When the processor has done `operation`, `action` is done elsewhere before we are told."""
    real = getattr(StripeProcessor, operation)

    def told_late(self, **asked):
        monkeypatch.setattr(StripeProcessor, operation, real)
        answer = real(self, **asked)
        elsewhere(action)
        return answer

    monkeypatch.setattr(StripeProcessor, operation, told_late)


class ProcessDied(BaseException):
    """No `except` of ours may outlive it, as none outlives kill -9."""


def die_after(monkeypatch, operation):
    """The process dies when the processor has done `operation` once, before it is told so."""
    real = getattr(StripeProcessor, operation)

    def fatal(self, **asked):
        monkeypatch.setattr(StripeProcessor, operation, real)
        real(self, **asked)
        raise ProcessDied

    monkeypatch.setattr(StripeProcessor, operation, fatal)


def lose_commit(monkeypatch, *, when):
    """The commit after which `when()` is true succeeds, and its answer is lost with the line."""
    real, runner, lost = DatabaseWrapper._commit, threading.current_thread(), []

    def commit(self):
        real(self)
        if not lost and threading.current_thread() is runner and elsewhere(when):
            lost.append(True)
            self.connection.close()
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(DatabaseWrapper, "_commit", commit)
    return lost


def cut_the_line_at_commit(monkeypatch, *, number, is_sent):
    """At this thread's commit of this number the line is cut: before COMMIT is sent, or after.

    Sent, it is left to the server, which may still be at it when we come back to look.
    """
    real, runner, seen = DatabaseWrapper._commit, threading.current_thread(), []

    def commit(self):
        if threading.current_thread() is runner:
            seen.append(True)
            if len(seen) == number:
                if is_sent:
                    self.connection.pgconn.send_query(b"COMMIT")
                    self.connection.pgconn.flush()
                self.connection.close()
                raise OperationalError("server closed the connection unexpectedly")
        real(self)

    monkeypatch.setattr(DatabaseWrapper, "_commit", commit)


@contextmanager
def slow_to_commit(table, seconds=0.7):
    """Every transaction that inserts into `table` takes this long to commit, at the server."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER dawdles AFTER INSERT ON {table}
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle();
            """
        )
    try:
        yield
    finally:
        reconnect()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER dawdles ON {table}; DROP FUNCTION dawdle()")


def reconnect():
    """Leave a line that was cut, so that the next statement opens a new one."""
    connection.close()


def an_order(api):
    """A purchase that went well."""
    return an_order_of(api, builders.a_purchase())


def an_order_of(api, body):
    """The same, of what this body asks for."""
    reply = api.checkout(body)
    assert reply.status_code == 201, reply.content
    number = ids.parse("ord", reply.json()["order"]["id"])
    return Order.objects.select_related("payment").get(pk=number)


def release_behind_our_back(payment):
    """Somebody releases the hold at the processor, and nobody tells us."""
    processors.processor("stripe").void(
        processor_reference=payment.processor_reference, key=f"foreign-{payment.reference}"
    )


def capture_behind_our_back(payment):
    """Somebody takes the money at the processor, and nobody tells us."""
    port = processors.processor("stripe")
    seen = port.find(reference=payment.reference, processor_reference="", since=payment.asked_at)
    port.capture(
        processor_reference=seen.processor_reference,
        amount=seen.amount,
        key=f"foreign-{payment.reference}",
    )


def anonymous_tls(protocol):
    """TLS without certificates: the test is of the wire, not of who is at its end."""
    context = ssl.SSLContext(protocol)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


@contextmanager
def a_server_that_reads_and_then_sends(record):
    """Reads the whole request over TLS, and answers with raw bytes that are no TLS."""
    received = []

    def serve(listener):
        line, _ = listener.accept()
        with anonymous_tls(ssl.PROTOCOL_TLS_SERVER).wrap_socket(line, server_side=True) as tls:
            while b"amount=1" not in b"".join(received):
                received.append(tls.recv(65_536))
            os.write(tls.fileno(), record)
            with suppress(OSError):
                tls.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/v1/payment_intents", received
        server.join(10)
