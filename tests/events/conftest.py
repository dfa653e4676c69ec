"""A client with a key, a subscriber that listens, and the loopback open to webhooks."""

import pytest
from django.db import transaction

from events import feed, outbox, webhook_delivery
from events.outbox import Event
from foundation.ids import new_id
from tests import builders
from tests.conftest import Api
from tests.events.receiver import Receiver


@pytest.fixture
def open_loopback(settings):
    settings.WEBHOOK_HTTP_ALLOWED = True
    settings.WEBHOOK_PORTS = []
    settings.WEBHOOK_NETWORKS_ALLOWED = ["127.0.0.0/8"]
    settings.WEBHOOK_SECONDS = 5.0
    return settings


@pytest.fixture
def receiver(open_loopback):
    listening = Receiver()
    yield listening
    listening.close()


class Subscriber:
    """A client, its key, and what it does over the API."""

    def __init__(self, **options):
        self.client, key = builders.a_client(**options)
        self.api = Api(key)

    def subscribe(self, url, **wanted):
        reply = self.api.post("/v1/webhook-endpoints", {"url": url, **wanted})
        assert reply.status_code == 201, reply.content
        return reply.json()

    def post(self, path, body=None):
        return self.api.post(f"/v1/{path}", body or {})

    def get(self, path, **query):
        return self.api.get(f"/v1/{path}", **query)

    def delete(self, path, **headers):
        given = {"Authorization": f"Bearer {self.api.key}"} | headers
        return self.api.client.delete(f"/v1/{path}", headers=given)

    def deliveries(self, **query):
        return self.get("deliveries", **query).json()["items"]

    def happened(self, event_type="order.placed", *, stream=None, **payload):
        """An event of this client's things, committed."""
        happened(event_type, client_id=self.client.pk, stream=stream, **payload)


def happened(event_type, *, client_id, stream=None, **payload):
    with transaction.atomic():
        outbox.record(stream or new_id(), [Event(event_type, payload)], client_id=client_id)


@pytest.fixture
def subscriber(transactional_db):
    return Subscriber()


@pytest.fixture
def stranger(transactional_db):
    return Subscriber()


def publish():
    """What the deliverer does first; returns how many events got their place."""
    return feed.publish()


def deliver():
    """What the deliverer does until nothing is due; returns how many requests it made."""
    return webhook_delivery.deliver_late(limit=100, seconds=60.0)
