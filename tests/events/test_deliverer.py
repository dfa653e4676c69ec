"""The deliverer's own loop, the sweep behind it, and what is forgotten in the end."""

import datetime as dt
import signal
import time

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections

from events import tasks, webhook_delivery
from events.models import DeliveryAttempt, FeedEntry, WebhookDelivery, WebhookEndpoint
from foundation import clock, metrics
from tests.events.conftest import deliver, publish
from tests.events.receiver import answer


@pytest.fixture
def threads_that_leave_no_connection(transactional_db, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process keeps its own
    monkeypatch.setitem(connections.databases["default"], "CONN_MAX_AGE", 0)


def test_the_command_sends_what_is_due_and_stops_when_it_is_asked_to_drain(
    subscriber, receiver, threads_that_leave_no_connection
):
    subscriber.subscribe(receiver.url)
    for _ in range(5):
        subscriber.happened()

    call_command("deliver_webhooks", drain=True)

    assert len(set(receiver.ids)) == 5
    assert {each["state"] for each in subscriber.deliveries()} == {"sent"}


def test_what_ends_while_it_looks_for_more_neither_ends_the_drain_nor_is_waited_out(
    subscriber, receiver, monkeypatch, threads_that_leave_no_connection
):
    claim = webhook_delivery.claim

    def looks_for_long():
        found = claim()
        if found is None:
            time.sleep(0.3)  # meanwhile the endpoint's two requests end
        return found

    monkeypatch.setattr(webhook_delivery, "claim", looks_for_long)
    subscriber.subscribe(receiver.url)
    for _ in range(5):
        subscriber.happened()

    call_command("deliver_webhooks", drain=True)

    assert len(set(receiver.ids)) == 5


def test_a_sweep_sends_what_the_deliverer_did_not_send_in_time(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened()

    tasks.deliver_webhooks()
    assert receiver.heard == [], "the deliverer may be about to"

    clock.move(dt.timedelta(seconds=django_settings.WEBHOOK_LATE_SECONDS + 1))
    tasks.deliver_webhooks()
    assert len(receiver.heard) == 1


def test_ended_deliveries_are_forgotten_after_their_time_and_open_ones_never(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    for status in (204, 500):
        receiver.answers = [answer(status)]
        subscriber.happened()
        deliver()
    clock.move(dt.timedelta(days=31))

    tasks.forget_deliveries()

    assert [row.state for row in WebhookDelivery.objects.all()] == ["retrying"]
    assert DeliveryAttempt.objects.count() == 1
    assert FeedEntry.objects.count() == 2


def test_a_removed_endpoint_is_forgotten_with_all_that_waited_for_it(subscriber, receiver):
    made = subscriber.subscribe(receiver.url)
    subscriber.happened()
    publish()
    subscriber.delete(f"webhook-endpoints/{made['id']}")
    assert deliver() == 0
    clock.move(dt.timedelta(seconds=1))

    tasks.forget_deliveries()

    assert not WebhookDelivery.objects.exists()
    assert not WebhookEndpoint.objects.exists()


def test_what_waits_and_how_long_it_takes_is_measured(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    deliver()
    subscriber.happened()

    told = metrics.exposition().decode()

    assert "feed_unnumbered 1.0" in told
    assert 'webhook_deliveries{state="sent"} 1.0' in told
    assert 'webhook_endpoints{state="enabled"} 1.0' in told
    assert 'webhook_latency_seconds{quantile="0.95"}' in told
    assert 'metric_unreadable{name="webhook' not in told
