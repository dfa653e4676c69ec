"""What is told of every client is seen, and led elsewhere, only by a key that sees all."""

import pytest

from events.models import WebhookDelivery, WebhookEndpoint
from foundation.edge.authentication import create_key
from tests.conftest import Api
from tests.events.conftest import Subscriber, deliver
from tests.events.receiver import answer

ELSEWHERE = "https://elsewhere.example/hooks"


@pytest.fixture
def auditor(transactional_db):
    """A client with a key that sees all."""
    return Subscriber(sees_all=True)


@pytest.fixture
def lesser(auditor):
    """The same client with a key that sees only what is its own."""
    other = Subscriber()
    other.client = auditor.client
    other.api = Api(create_key(auditor.client, scopes=["webhooks"]))
    return other


def test_a_lesser_key_of_the_client_can_not_lead_it_elsewhere(auditor, lesser, receiver):
    path = f"webhook-endpoints/{auditor.subscribe(receiver.url, all_clients=True)['id']}"

    answers = [
        lesser.get(path), lesser.api.patch(f"/v1/{path}", {"url": ELSEWHERE}),
        lesser.delete(path), lesser.post(f"{path}/rotate-secret"), lesser.post(f"{path}/ping"),
        lesser.post(f"{path}/replay", {"since": "2020-01-01T00:00:00Z"}),
    ]  # fmt: skip

    assert {reply.status_code for reply in answers} == {404}
    assert WebhookEndpoint.objects.get().url == receiver.url
    assert lesser.get("webhook-endpoints").json()["items"] == []


def test_a_lesser_key_reads_nothing_of_what_it_is_told(auditor, lesser, stranger, receiver):
    auditor.subscribe(receiver.url, all_clients=True)
    receiver.answers = [answer(500)]
    stranger.happened()
    assert deliver() == 1
    path = f"deliveries/{WebhookDelivery.objects.get().reference}"

    assert lesser.deliveries() == []
    assert lesser.get(path).status_code == 404
    assert lesser.post(f"{path}/retry").status_code == 404
    assert auditor.get(path).status_code == 200


def test_what_is_of_its_own_client_a_lesser_key_still_sees(auditor, lesser, receiver):
    made = auditor.subscribe(receiver.url)
    auditor.happened()
    assert deliver() == 1

    assert [row["id"] for row in lesser.get("webhook-endpoints").json()["items"]] == [made["id"]]
    assert len(lesser.deliveries()) == 1
