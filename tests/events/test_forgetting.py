"""What is forgotten, and when: not what ended lately, and not what is asked for meanwhile."""

import datetime as dt

import pytest
from django.db import transaction

from events import forgetting, tasks
from events.models import DeliveryAttempt, WebhookDelivery
from foundation import clock
from tests.events.conftest import deliver
from tests.races.crowd import at_once


@pytest.fixture
def sent_long_ago(subscriber, receiver):
    """A delivery that arrived 31 days ago."""
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    assert deliver() == 1
    clock.move(dt.timedelta(days=31))
    return WebhookDelivery.objects.get()


def test_what_was_sent_again_lately_is_kept_with_its_tries(subscriber, sent_long_ago):
    assert subscriber.post(f"deliveries/{sent_long_ago.reference}/retry").status_code == 202
    assert deliver() == 1

    tasks.forget_deliveries()

    assert WebhookDelivery.objects.get().state == "sent"
    assert DeliveryAttempt.objects.count() == 2


def test_what_somebody_is_at_is_left_for_the_next_time(sent_long_ago):
    def forget():
        return forgetting.forget(older_than=dt.timedelta(days=30), limit=10)

    with transaction.atomic():
        WebhookDelivery.objects.select_for_update(no_key=True).get()
        assert at_once([forget]) == [0]

    assert forget() == 1
    assert not WebhookDelivery.objects.exists()
