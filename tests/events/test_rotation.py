"""A new secret takes over while those before it still sign, however often it was asked for."""

import datetime as dt

from standardwebhooks import Webhook

from foundation import clock
from tests.events.conftest import deliver


def test_who_rotates_again_because_an_answer_was_lost_still_has_a_secret_that_signs(
    subscriber, receiver
):
    endpoint = subscriber.subscribe(receiver.url)
    path = f"webhook-endpoints/{endpoint['id']}/rotate-secret"
    made = [endpoint["secret"], *(subscriber.post(path).json()["secret"] for _ in range(3))]
    subscriber.happened()
    deliver()

    assert len(set(made)) == 4
    for secret in made:
        Webhook(secret).verify(receiver.heard[0].body, receiver.heard[0].headers)


def test_no_more_than_ten_secrets_sign_at_once_and_none_that_is_over(subscriber, receiver):
    path = f"webhook-endpoints/{subscriber.subscribe(receiver.url)['id']}/rotate-secret"
    made = [subscriber.post(path).json()["secret"] for _ in range(12)]
    subscriber.happened()
    deliver()
    clock.move(dt.timedelta(days=1, seconds=1))
    subscriber.post(path)
    subscriber.happened()
    deliver()

    many, few = (heard.headers["webhook-signature"].split() for heard in receiver.heard)
    assert (len(many), len(few)) == (10, 2)
    Webhook(made[-10]).verify(receiver.heard[0].body, receiver.heard[0].headers)
