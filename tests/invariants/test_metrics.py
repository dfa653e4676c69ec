"""GET /metrics tells what the rows say, the same from every process, and only to whom it may."""

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from foundation import clock
from foundation.inspection import inspect
from foundation.metrics import Gauge, every_gauge, register
from foundation.models import QueueHeartbeat
from tests import builders
from tests.invariants.breaking import break_rule
from tests.stories import world


def scrape():
    reply = Client().get("/metrics")
    assert reply.status_code == 200
    assert reply["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.content.decode())
        for sample in family.samples
    }


def test_an_order_and_what_waits_to_be_told_are_counted(api):
    world.an_order(api)

    told = scrape()

    assert told["checkouts_last_hour", "completed"] == 1
    assert told["outbox_pending",] == 2
    assert told["reservation_open", "committed"] == 1
    assert told["payment_unknown_current",] == 0


def test_an_unknown_outcome_is_counted_and_grows_old(api):
    api.checkout(builders.a_purchase(payment_method=builders.faulty("timeout_after")))
    world.later(300)

    told = scrape()

    assert told["payment_unknown_current",] == 1
    assert 300 <= told["payment_unknown_oldest_age_seconds",] < 400
    assert told["saga_in_flight", "unknown"] == 1
    assert told["saga_oldest_age_seconds", "unknown"] >= 300


def test_what_the_processor_told_and_nobody_followed_yet_is_counted_and_grows_old(shop):
    assert ("processor_event_last_received_timestamp_seconds",) not in scrape()
    builders.ProcessorEventFactory(state="processed", ended_at=clock.now())
    builders.ProcessorEventFactory()
    world.later(300)

    told = scrape()

    assert told["processor_events_waiting",] == 1
    assert 300 <= told["processor_events_oldest_age_seconds",] < 400
    age = clock.now().timestamp() - told["processor_event_last_received_timestamp_seconds",]
    assert 300 <= age < 400


def test_disputes_that_are_not_decided_are_counted(shop):
    payment = builders.PaymentFactory(state="disputed")
    builders.DisputeFactory(payment=payment)
    builders.DisputeFactory(payment=payment, state="lost")

    assert scrape()["disputes_open",] == 1


def test_a_broken_rule_is_a_number(api):
    world.an_order(api)
    break_rule("orders_were_held")
    inspect(everything=False)

    told = scrape()

    assert told["invariant_violations", "orders_were_held"] == 1
    assert told["invariant_violations", "stock_is_not_oversold"] == 0


def test_a_rule_that_could_not_be_read_is_not_told_as_green(api, monkeypatch):
    def too_slow(self, **_):
        raise OperationalError("statement timeout")

    monkeypatch.setattr("foundation.invariants.Invariant.violations", too_slow)
    inspect(everything=False)

    told = scrape()

    assert told["invariant_unreadable", "stock_is_not_oversold"] == 1
    assert ("invariant_violations", "stock_is_not_oversold") not in told


def test_a_silent_queue_is_seen_by_its_canarys_age(api):
    QueueHeartbeat.objects.create(queue="payments", beat_at=world.clock.now())
    world.later(120)

    assert 120 <= scrape()["broker_canary_age_seconds", "payments"] < 130


def test_every_gauge_can_be_read(api):
    for gauge in every_gauge():
        assert all(isinstance(number, float) for _, number in gauge.read()), gauge.name


def test_one_gauge_that_can_not_be_read_hides_no_other(api, monkeypatch):
    real = Gauge.read

    def broken(self):
        if self.name == "outbox_pending":
            raise DatabaseError("statement timeout")
        return real(self)

    monkeypatch.setattr(Gauge, "read", broken)
    told = scrape()

    assert told["metric_unreadable", "outbox_pending"] == 1
    assert ("payment_unknown_current",) in told


def test_two_gauges_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two gauges"):
        register(Gauge("outbox_pending", "another", "SELECT 1"))


@pytest.mark.parametrize(
    "seen", [{"REMOTE_ADDR": "192.0.2.7"}, {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}]
)
def test_a_stranger_hears_nothing_without_the_token(transactional_db, settings, seen):
    assert Client().get("/metrics", **seen).status_code == 401
    assert Client().get("/metrics", HTTP_AUTHORIZATION="Bearer ", **seen).status_code == 401

    settings.METRICS_TOKEN = "let-me-see"
    assert Client().get("/metrics", HTTP_AUTHORIZATION="Bearer no", **seen).status_code == 401
    token = {"HTTP_AUTHORIZATION": "Bearer let-me-see"}
    assert Client().get("/metrics", **token, **seen).status_code == 200


def test_without_a_database_there_is_nothing_to_measure(db, monkeypatch):
    def down():
        raise OperationalError("connection refused")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "ensure_connection", down)
        assert Client().get("/metrics").status_code == 503
