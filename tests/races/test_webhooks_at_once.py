"""Two deliverers, two numberers, a rotation: each delivery is sent once; with controls."""

import datetime as dt
import threading
import time

import pytest
from django.db import connection, transaction

from events import endpoints, feed, replay, webhook_delivery
from events.models import DeliveryAttempt, FeedEntry, WebhookDelivery
from foundation import clock
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


DAY = dt.timedelta(days=1)


def _replay_slowly(monkeypatch):
    """A replay between whose locks an answer comes."""
    tell_again = replay._tell_again

    def slowly(*args, **options):
        time.sleep(0.5)
        tell_again(*args, **options)

    monkeypatch.setattr(replay, "_tell_again", slowly)


def test_a_range_is_told_again_while_a_delivery_of_it_ends(one_due, receiver, monkeypatch):
    _replay_slowly(monkeypatch)
    under_way, now = webhook_delivery.claim(), clock.now()

    def ask():
        return replay.replay(
            one_due.endpoint_id, since=now - DAY, until=now + DAY, types=[], by="api:shop"
        )

    count, _ = at_once([ask, lambda: webhook_delivery.deliver(under_way)])

    one_due.refresh_from_db()
    assert (count, one_due.state, DeliveryAttempt.objects.count()) == (1, "sent", 1)


def test_an_answer_is_not_lost_to_whoever_holds_its_endpoint_for_long(one_due, receiver):
    under_way, is_locked = webhook_delivery.claim(), threading.Event()

    def hold():
        with transaction.atomic():
            endpoints.locked(one_due.endpoint_id)
            is_locked.set()
            time.sleep(0.6)

    def send():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '250ms'")
        assert is_locked.wait(timeout=30)
        webhook_delivery.deliver(under_way)

    at_once([hold, send])

    one_due.refresh_from_db()
    assert (one_due.state, len(receiver.heard)) == ("sent", 1)
