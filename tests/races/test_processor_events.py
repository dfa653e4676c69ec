"""Deliveries at once with each other and with our own answer, and each guard's control."""

import pytest
from django.db import connection

from events.models import OutboxEvent
from foundation import idempotency, rows
from foundation.models import IdempotencyKey
from orders.models import Order
from payments.models import Payment, ProcessorEvent
from payments.services import receive, work_event
from tests import builders
from tests.at_the_processor import Courier
from tests.races.crowd import at_once
from tests.stories import world


@pytest.fixture
def message(shop):
    """What a delivery says, past its signature."""
    row = builders.ProcessorEventFactory.build()
    return receive.Message(
        external_id=row.external_id, type=row.type, processor_reference="pi_1", reference="",
        created_at=row.happened_at, kind="payment", object_id="pi_1",
    )  # fmt: skip


def deliver(message):
    def once():
        return receive.store(
            message, name="stripe", body=b"{}", arrival=receive.Arrival.WEBHOOK
        ).is_new

    return once


@pytest.mark.parametrize("copies", [3, 24])
def test_copies_of_one_event_at_once_are_one_row_and_one_piece_of_work(message, copies):
    fresh = at_once([deliver(message)] * copies)

    assert sorted(fresh) == [False] * (copies - 1) + [True]
    assert (ProcessorEvent.objects.count(), OutboxEvent.objects.count()) == (1, 1)


def _look_then_insert(row):
    if ProcessorEvent.objects.filter(external_id=row.external_id).exists():
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.05)")
    rows.insert(row)
    return True


@pytest.fixture
def without_uniqueness(shop):
    """The database without the constraint that stops a second row of one event."""
    name, table = "one_row_per_processor_event", "payments_processorevent"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table} CASCADE")
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE (processor, external_id)")


def test_control_without_the_unique_insert_copies_are_rows_of_their_own(
    message, without_uniqueness, monkeypatch
):
    monkeypatch.setattr(receive.rows, "insert_unless_there", _look_then_insert)

    at_once([deliver(message)] * 3)

    assert ProcessorEvent.objects.count() > 1


def test_three_workers_at_one_event_ask_the_processor_once(api, shop, courier):
    payment = world.an_order(api).payment
    courier.send_all(payment, "payment_intent.amount_capturable_updated")
    row = ProcessorEvent.objects.get(type="payment_intent.amount_capturable_updated")
    asked = len(shop.requests(payment.reference))

    at_once([lambda: work_event.work(row.pk)] * 3)

    row.refresh_from_db()
    assert (row.state, row.attempts) == ("processed", 1)
    assert looks(shop, payment)[asked:].count("retrieve") == 1


def looks(shop, payment):
    return [entry["operation"] for entry in shop.requests(payment.reference)]


def test_control_without_the_claim_each_of_three_workers_asks(api, shop, courier, monkeypatch):
    payment = world.an_order(api).payment
    courier.send_all(payment, "payment_intent.amount_capturable_updated")
    row = ProcessorEvent.objects.get(type="payment_intent.amount_capturable_updated")
    asked = len(shop.requests(payment.reference))
    monkeypatch.setattr(work_event, "claim", lambda candidates: candidates.first())

    at_once([lambda: work_event.work(row.pk)] * 3)

    assert looks(shop, payment)[asked:].count("retrieve") > 1


@pytest.fixture
def courier(shop, live_server):
    """The processor's events, delivered over HTTP."""
    return Courier(shop, live_server.url)


def test_a_message_at_the_same_moment_as_our_answer_changes_nothing(api, shop, courier):
    """Twelve shoppers pay while everything the processor tells is worked as it comes."""
    courier._listen(courier.url)

    def work():
        for _ in range(40):
            world.play_events()

    callers = [lambda: api.__class__(api.key).checkout() for _ in range(12)]
    *replies, _, _ = at_once([*callers, work, work])
    courier._listen("")

    assert [reply.status_code for reply in replies] == [201] * 12
    world.drive_everything(rounds=3)
    assert Order.objects.count() == 12
    assert set(Payment.objects.values_list("state", flat=True)) == {"captured"}
    for payment in Payment.objects.all():
        assert len(shop.effects(payment.reference, "authorization")) == 1
        assert len(shop.effects(payment.reference, "capture")) == 1
    assert not IdempotencyKey.objects.filter(state="in_progress").exists()
    open_rows = ProcessorEvent.objects.exclude(state__in=["processed", "ignored"])
    assert list(open_rows) == []


def heard_meanwhile(api, courier, monkeypatch):
    """Our own answer is still on its way when the processor's message is worked."""

    def hear():
        courier.send_all(Payment.objects.get().reference)
        world.play_events()

    world.meanwhile_after(monkeypatch, "authorize", hear)
    return api.checkout()


def test_a_message_never_takes_a_checkout_out_of_living_hands(api, courier, monkeypatch):
    assert heard_meanwhile(api, courier, monkeypatch).status_code == 201


def _take_over_from_the_living(*, subject_id, lease_seconds):
    row = IdempotencyKey.objects.filter(state="in_progress", subject_id=subject_id).first()
    if row is not None:
        idempotency._take(row, lease_seconds)
    return row


def test_control_without_the_lease_the_message_and_the_request_get_in_each_others_way(
    api, courier, monkeypatch
):
    monkeypatch.setattr(idempotency, "take_over", _take_over_from_the_living)

    assert heard_meanwhile(api, courier, monkeypatch).status_code != 201
