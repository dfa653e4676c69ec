"""kill -9 of the deliverer: every event reaches its client all the same, under one id."""

import json

import httpx
import pytest
from standardwebhooks import Webhook

from tests.e2e import books

pytestmark = pytest.mark.e2e
BURST = 12


@pytest.fixture
def secret(house):
    """Of a new endpoint that hears of orders; what it heard before is forgotten."""
    house.receiver.told.clear()
    reply = httpx.post(
        f"{house.shop.web_url}/v1/webhook-endpoints",
        json={
            "url": f"http://127.0.0.1:{house.receiver.port}/", "event_types": ["order.placed"],
        },
        headers={"Authorization": f"Bearer {house.key}"},
        timeout=30,
    )  # fmt: skip
    assert reply.status_code == 201, reply.text
    yield reply.json()["secret"]
    gone = httpx.delete(
        f"{house.shop.web_url}/v1/webhook-endpoints/{reply.json()['id']}",
        headers={"Authorization": f"Bearer {house.key}"},
        timeout=30,
    )
    assert gone.status_code == 204, gone.text


def heard(house):
    """(webhook-id, event) of each request, as it came."""
    return [
        (headers["webhook-id"], json.loads(body)) for headers, body in list(house.receiver.told)
    ]


def all_sent(house):
    states = house.rows("SELECT state FROM events_webhookdelivery")
    return {row["state"] for row in states} == {"sent"}


def test_killed_while_a_receiver_thinks_it_is_told_again_under_the_same_id(house, secret):
    with house.receiver.thinking():
        house.burst(books.wishes())
        books.eventually(lambda: house.receiver.told)
        house.kill("deliverer")
    house.revive("deliverer")

    books.eventually(lambda: all_sent(house))
    ids = [webhook_id for webhook_id, _ in heard(house)]
    assert len(ids) >= 2
    assert len(set(ids)) == 1
    for headers, body in house.receiver.told:
        Webhook(secret).verify(body, headers)


def test_whatever_was_bought_while_it_was_dead_is_told_when_it_is_back(house, secret):
    house.kill("deliverer")
    orders = house.burst(books.wishes(BURST))
    house.revive("deliverer")

    books.eventually(lambda: len({each for each, _ in heard(house)}) == BURST)
    books.eventually(lambda: all_sent(house))
    told = {event["data"]["order"] for _, event in heard(house)}
    assert told == set(orders)
