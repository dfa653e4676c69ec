"""What the processor tells us is stored once, before any work, or refused without a trace."""

import json

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events.models import OutboxEvent
from foundation import clock
from foundation.models import AuditEntry
from payments.models import ProcessorEvent
from payments.services import receive
from tests.at_the_processor import PATH, SECRET
from tests.signing import signed
from tests.stories import world


@pytest.fixture
def hooks(shop):
    return Client(raise_request_exception=False)


def an_event(**changes):
    """An event as the processor writes it, about a payment of nobody."""
    return {
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": False,
        "created": 1_795_000_000, "pending_webhooks": 1,
        "data": {"object": {"id": "pi_1", "object": "payment_intent", "metadata": {}}},
    } | changes  # fmt: skip


def told(hooks, event, *, secret=SECRET, age=0, raw=None, **headers):
    body = json.dumps(event).encode() if raw is None else raw
    at = int(clock.now().timestamp()) - age
    given = {"Stripe-Signature": signed(body, secret=secret, at=at)} | headers
    return hooks.post(PATH, data=body, content_type="application/json", headers=given)


def nothing_is_stored():
    return not ProcessorEvent.objects.exists() and not OutboxEvent.objects.exists()


def test_an_event_is_stored_as_it_came_and_its_work_is_told_in_the_same_transaction(hooks):
    reply = told(hooks, an_event())

    assert reply.status_code == 202
    (row,) = ProcessorEvent.objects.all()
    assert json.loads(bytes(row.body)) == an_event()
    assert (row.state, row.arrival, row.object_id) == ("received", "webhook", "pi_1")
    (event,) = OutboxEvent.objects.all()
    assert event.payload == {"processor_event_id": str(row.pk)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text FROM payments_processorevent")
        stored_by = cursor.fetchone()
        cursor.execute("SELECT xmin::text FROM events_outboxevent")
        assert cursor.fetchone() == stored_by


def test_it_costs_two_statements_and_a_repeat_two(hooks):
    for _ in range(2):
        with CaptureQueriesContext(connection) as first:
            told(hooks, an_event())
        statements = [q["sql"] for q in first if not q["sql"].startswith(("BEGIN", "COMMIT"))]
        assert len(statements) == 2, statements


def test_a_second_delivery_is_known_and_changes_nothing(hooks):
    told(hooks, an_event())

    # The count of open deliveries is the only thing that differs between two of them.
    assert told(hooks, an_event(pending_webhooks=0)).status_code == 200
    assert (ProcessorEvent.objects.count(), OutboxEvent.objects.count()) == (1, 1)


def test_the_same_id_with_another_content_is_refused_and_noted(hooks):
    told(hooks, an_event())
    other = {"object": {"id": "pi_2", "object": "payment_intent", "metadata": {}}}

    reply = told(hooks, an_event(data=other))

    assert (reply.status_code, reply.json()["code"]) == (409, "processor_event_altered")
    assert ProcessorEvent.objects.get().object_id == "pi_1"
    noted = AuditEntry.objects.get(action="processor_event.refused")
    assert (noted.before["object"], noted.after["object"]) == ("pi_1", "pi_2")


@pytest.mark.parametrize(
    "how",
    [{"secret": "whsec_forged"}, {"age": 302}, {"age": -302}, {"Stripe-Signature": ""}],
    ids=["forged", "replayed after five minutes", "from the future", "unsigned"],
)
def test_what_is_not_genuine_and_fresh_is_a_400_and_leaves_no_trace(hooks, how):
    reply = told(hooks, an_event(), **how)

    assert (reply.status_code, reply.json()["code"]) == (400, "processor_event_not_genuine")
    assert reply["Content-Type"] == "application/problem+json"
    assert nothing_is_stored()


def test_an_event_of_the_other_mode_is_never_applied(hooks):
    assert told(hooks, an_event(livemode=True)).status_code == 400
    assert nothing_is_stored()


def test_an_unset_secret_lets_nobody_in(hooks, settings):
    settings.STRIPE_WEBHOOK_SECRET = ""

    assert told(hooks, an_event(), secret="").status_code == 400
    assert nothing_is_stored()


def test_while_a_secret_is_rotated_both_are_good_and_afterwards_only_the_new_one(hooks, settings):
    settings.STRIPE_WEBHOOK_SECRET = "whsec_new,whsec_old"
    assert told(hooks, an_event(id="evt_a"), secret="whsec_old").status_code == 202
    assert told(hooks, an_event(id="evt_b"), secret="whsec_new").status_code == 202

    settings.STRIPE_WEBHOOK_SECRET = "whsec_new"
    assert told(hooks, an_event(id="evt_c"), secret="whsec_old").status_code == 400


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"null", b"[]", b"7", b'"text"', b"\xff\xfe\x00", b"{}", b'{"id": 7}',
        b"[" * 20_000, b'{"a":' * 20_000, b'{"id": "evt_\\u0000"}', b'{"id": "\\ud800"}',
        json.dumps(an_event(created=10**40)).encode(), json.dumps(an_event(id="x" * 300)).encode(),
        json.dumps(an_event(data={"object": {"id": None, "object": []}})).encode(),
        json.dumps(an_event(data=None)).encode(), json.dumps(an_event(type=None)).encode(),
        json.dumps(an_event(type="a\0b")).encode(),
    ],
    ids=lambda raw: raw[:24].decode("latin-1"),
)  # fmt: skip
def test_garbage_is_a_400_even_with_a_genuine_signature(hooks, raw):
    reply = told(hooks, None, raw=raw)

    assert reply.status_code == 400
    assert reply.json()["retryable"] is False
    assert nothing_is_stored()


@pytest.mark.parametrize(
    "header", ["garbage", "t=,v1=", "t=1e9,v1=x", "t=" + "9" * 400 + ",v1=x", "v1=é", "t=1,t=2"]
)
def test_a_signature_that_can_not_be_read_is_a_400(hooks, header):
    assert told(hooks, an_event(), **{"Stripe-Signature": header}).status_code == 400
    assert nothing_is_stored()


def test_neither_content_type_nor_cookies_nor_what_it_accepts_matter(shop):
    strict = Client(enforce_csrf_checks=True)
    body = json.dumps(an_event()).encode()
    signature = signed(body, secret=SECRET, at=int(clock.now().timestamp()))

    reply = strict.post(
        PATH, data=body, content_type="text/plain",
        headers={"Stripe-Signature": signature, "Accept": "application/xml"},
    )  # fmt: skip

    assert reply.status_code == 202


def test_a_body_above_the_limit_is_refused_unread(hooks, settings):
    reply = told(hooks, an_event(note="x" * settings.PROCESSOR_EVENT_BYTES_MAX))

    assert (reply.status_code, reply.json()["code"]) == (413, "body_too_large")
    assert nothing_is_stored()


def test_another_method_is_a_405(hooks):
    assert hooks.get(PATH).status_code == 405


def test_what_can_not_be_stored_is_a_503_so_that_it_is_sent_again(hooks, monkeypatch):
    def away(row):
        raise OperationalError("the database is away")

    monkeypatch.setattr(receive.rows, "insert_unless_there", away)
    reply = told(hooks, an_event())
    assert (reply.status_code, reply.json()["code"]) == (503, "processor_event_not_stored")
    assert int(reply["Retry-After"]) > 0

    monkeypatch.undo()
    assert told(hooks, an_event()).status_code == 202


def test_the_row_and_its_work_are_stored_together_or_not_at_all(hooks, monkeypatch):
    def fails(stream, events, *, client_id):
        raise OperationalError("the line broke")

    monkeypatch.setattr(receive.outbox, "record", fails)

    assert told(hooks, an_event()).status_code == 503
    assert nothing_is_stored()


def test_a_type_that_nothing_depends_on_is_stored_and_not_worked(hooks):
    assert told(hooks, an_event(type="customer.created")).status_code == 202

    row = ProcessorEvent.objects.get()
    assert (row.state, bool(row.outcome)) == ("ignored", True)
    assert world.play_events() == []


def test_a_delivery_by_the_processor_itself_is_good_and_a_forged_one_is_not(
    api, courier, dashboard
):
    payment = world.an_order(api).payment
    (event, *_) = courier.events(payment, "payment_intent.amount_capturable_updated")

    assert courier.send(event, forged=True) == [400]
    assert courier.send(event, age_seconds=3600) == [400]
    assert nothing_is_received()
    assert courier.send(event, times=3) == [202, 200, 200]
    assert ProcessorEvent.objects.get().external_id == event["id"]


def nothing_is_received():
    return not ProcessorEvent.objects.exists()
