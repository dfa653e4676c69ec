"""Two deliverers, two numberers, a rotation: each delivery is sent once; with controls."""

import time

import pytest

from events import feed, webhook_delivery
from events.models import FeedEntry, WebhookDelivery
from foundation.state_machine import move
from tests.events.conftest import Subscriber, deliver, publish
from tests.events.receiver import Receiver
from tests.races.crowd import at_once

SECONDS_BETWEEN = 0.1


@pytest.fixture
def receiver(settings):
    settings.WEBHOOK_HTTP_ALLOWED, settings.WEBHOOK_PORTS = True, []
    settings.WEBHOOK_NETWORKS_ALLOWED = ["127.0.0.0/8"]
    settings.WEBHOOK_PER_ENDPOINT = 100
    listening = Receiver()
    listening.delay = SECONDS_BETWEEN
    yield listening
    listening.close()


@pytest.fixture
def one_due(transactional_db, receiver):
    subscriber = Subscriber()
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    publish()
    return WebhookDelivery.objects.get()


def claim_and_send():
    delivery = webhook_delivery.claim()
    if delivery is not None:
        webhook_delivery.deliver(delivery)


def test_four_deliverers_at_one_delivery_send_it_once(one_due, receiver):
    at_once([claim_and_send] * 4)

    one_due.refresh_from_db()
    assert len(receiver.heard) == 1
    assert (one_due.state, one_due.attempts) == ("sent", 1)


def _look_then_lease(row, *, fence, **options):
    """The claim without its guard: what was due a moment ago is taken."""
    time.sleep(SECONDS_BETWEEN)
    row.refresh_from_db()
    row.state = "pending"
    WebhookDelivery.objects.filter(pk=row.pk).update(attempts=options["attempts"])
    row.attempts, row.tries = options["attempts"], options["tries"]


def test_control_without_the_lock_and_the_fence_each_of_them_sends_it(
    one_due, receiver, monkeypatch
):
    unlocked = webhook_delivery._NEXT.replace("FOR NO KEY UPDATE SKIP LOCKED", "")
    assert unlocked != webhook_delivery._NEXT
    monkeypatch.setattr(webhook_delivery, "_NEXT", unlocked)

    def unguarded(row, *, to, **options):
        (_look_then_lease if to == "leased" else move)(row, to=to, **options)

    monkeypatch.setattr(webhook_delivery, "move", unguarded)

    at_once([claim_and_send] * 4)

    assert len(receiver.heard) > 1


def numbered():
    return sorted(FeedEntry.objects.values_list("position", flat=True))


def test_two_at_a_time_number_each_event_once_and_fan_it_out_once(transactional_db, receiver):
    subscriber = Subscriber()
    subscriber.subscribe(receiver.url)
    for _ in range(20):
        subscriber.happened()

    at_once([lambda: feed.publish(limit=5)] * 4)
    while publish():
        pass

    assert numbered() == list(range(1, 21))
    assert WebhookDelivery.objects.count() == 20


def test_deliverers_work_through_a_backlog_together_and_send_each_once(transactional_db, receiver):
    receiver.delay = 0.0
    subscriber = Subscriber()
    subscriber.subscribe(receiver.url)
    for _ in range(20):
        subscriber.happened()

    at_once([deliver] * 4)
    deliver()

    assert len(receiver.ids) == len(set(receiver.ids)) == 20
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"sent"}
