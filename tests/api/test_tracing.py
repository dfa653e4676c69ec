"""`traceparent` is believed only when it is one (W3C Trace Context), and goes with what follows."""

import logging
from contextlib import nullcontext

import pytest
import structlog
from celery import signals
from celery.app.trace import trace_task_ret
from celery.worker.request import Request
from django.db import connection, transaction
from kombu import Connection

from checkout_project.celery import app
from checkout_project.request_ids import RequestIdMiddleware
from events import outbox, relay
from events.models import OutboxEvent
from foundation import tracing
from foundation.ids import new_id
from tests.crash.broker import queues
from tests.events.conftest import Subscriber, deliver, happened, open_loopback, receiver  # noqa: F401

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ASKED = f"00-{TRACE}-{PARENT}-01"
VALID = {
    ASKED: ASKED,
    f"00-{TRACE}-{PARENT}-00": f"00-{TRACE}-{PARENT}-00",
    f"00-{TRACE}-{PARENT}-ff": ASKED,
    f"cc-{TRACE}-{PARENT}-01-more": ASKED,
}
INVALID = [
    "",
    "nonsense",
    f"00-{TRACE.upper()}-{PARENT}-01",
    f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"ff-{TRACE}-{PARENT}-01",
    f"00-{TRACE}-{PARENT}-01-more",
    f"00-{TRACE}-{PARENT}-01\n",
    f"00-{TRACE}-{PARENT}",
    f"{ASKED},{ASKED}",
    None,
    7,
]


def bound():
    return structlog.contextvars.get_contextvars()


@pytest.mark.parametrize("header", VALID)
def test_a_valid_one_is_passed_on_as_version_00_writes_it(header):
    assert tracing.read(header) == VALID[header]
    assert len(tracing.read(header)) == tracing.LONGEST


@pytest.mark.parametrize("header", INVALID)
def test_any_other_is_as_if_it_were_not_there(header):
    assert tracing.read(header) == ""


def test_what_is_logged_while_a_request_is_served_carries_its_trace(rf):
    seen = {}

    def view(request):
        seen.update(bound())
        logging.getLogger(__name__).info("at work")
        return {}

    class Response(dict):
        headers = {}

    middleware = RequestIdMiddleware(lambda request: view(request) or Response())
    middleware(rf.get("/", headers={"traceparent": ASKED, "Request-Id": "a-request-0001"}))

    assert (seen["trace_id"], seen["parent_id"]) == (TRACE, PARENT)
    assert seen["request_id"] == "a-request-0001"
    assert bound() == {}


def test_a_trace_within_a_trace_is_over_when_it_is_over():
    other = ASKED.replace(TRACE, "f" * 32)
    with tracing.followed(ASKED):
        with tracing.followed(other):
            assert bound()["trace_id"] == "f" * 32
        assert (tracing.current(), bound()["trace_id"]) == (ASKED, TRACE)
        with tracing.followed(""):
            assert bound() == {}
    assert (tracing.current(), bound()) == ("", {})


def test_every_event_of_a_purchase_keeps_the_trace_of_who_asked(api):
    assert api.checkout(traceparent=ASKED).status_code == 201
    assert set(OutboxEvent.objects.values_list("trace", flat=True)) == {ASKED}

    assert api.checkout(traceparent="nonsense").status_code == 201
    assert api.checkout().status_code == 201
    assert OutboxEvent.objects.filter(trace="").count() == OutboxEvent.objects.count() * 2 / 3


def test_events_of_many_things_at_once_keep_it_too(transactional_db):
    with tracing.followed(ASKED), transaction.atomic():
        told = {new_id(): outbox.Event("order.stalled", {}) for _ in range(2)}
        outbox.record_each(told, client_id=None)

    assert list(OutboxEvent.objects.values_list("trace", flat=True)) == [ASKED] * 2


class Worker:
    """Takes messages from a broker within this process, as Celery's own worker does."""

    def __init__(self, line):
        self.line, self.ran = line, []

    def note(self, task, **_):
        self.ran.append((task.name.rpartition(".")[2], tracing.current(), bound().get("trace_id")))

    def work_off(self):
        channel = self.line.default_channel
        while taken := [each for each in map(channel.basic_get, queues()) if each is not None]:
            for message in taken:
                request = Request(message, app=app, hostname="test")
                trace_task_ret(
                    request.type, request.id, request.request_dict, message.body,
                    message.content_type, message.content_encoding, app=app,
                )  # fmt: skip
                message.ack()


@pytest.fixture
def worker(monkeypatch):
    with Connection("memory://") as line:
        producer, taker = line.Producer(), Worker(line)
        monkeypatch.setattr(app, "producer_or_acquire", lambda _=None: nullcontext(producer))
        signals.task_prerun.connect(taker.note)
        yield taker
        signals.task_prerun.disconnect(taker.note)


def test_every_task_of_a_chain_runs_in_the_trace_of_its_event(api, worker):
    api.checkout(traceparent=ASKED)
    relay.relay_batch(limit=10)

    worker.work_off()

    assert [name for name, *_ in worker.ran] == ["settle_order", "fulfill_order", "notify_customer"]
    assert {(trace, logged) for _, trace, logged in worker.ran} == {(ASKED, TRACE)}
    assert (tracing.current(), bound()) == ("", {})
    told_by_tasks = OutboxEvent.objects.filter(type="payment.captured")
    assert set(told_by_tasks.values_list("trace", flat=True)) == {ASKED}


def test_a_message_without_a_trace_has_none_of_the_one_before(api, worker):
    api.checkout(traceparent=ASKED)
    api.checkout()
    relay.relay_batch(limit=10)

    worker.work_off()

    traces = [trace for _, trace, _ in worker.ran]
    assert sorted(traces) == [""] * 3 + [ASKED] * 3


def test_a_webhook_is_told_in_the_trace_of_its_event_and_without_one_in_none(
    transactional_db,
    receiver,  # noqa: F811 - the fixture
):
    subscriber = Subscriber()
    subscriber.subscribe(receiver.url)
    with tracing.followed(ASKED):
        subscriber.happened()
    subscriber.happened()

    assert deliver() == 2

    assert [heard.headers.get("traceparent") for heard in receiver.heard] == [ASKED, None]
    assert tracing.current() == ""


def test_a_process_of_the_version_before_writes_events_without_a_trace(transactional_db):
    """Its statement does not name the column; the relay of today sends what it wrote."""
    happened("order.stalled", client_id=None)
    columns = "id, type, payload, stream, sequence, created_at, state, due_at, attempts, last_error"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO events_outboxevent ({columns})
                SELECT %s, type, payload, stream, 2, created_at, state, due_at, attempts, last_error
                FROM events_outboxevent""",
            [new_id()],
        )

    assert list(OutboxEvent.objects.values_list("trace", flat=True)) == ["", ""]
