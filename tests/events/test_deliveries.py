"""An event reaches whoever asked, signed; what fails is tried again; nothing is lost on the way."""

import datetime as dt
import json

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from events import webhook_delivery
from events.models import WebhookDelivery, WebhookEndpoint
from foundation import clock
from foundation.models import Case, Transition
from tests.events.conftest import deliver, publish
from tests.events.receiver import answer

FOUR_DAYS = dt.timedelta(days=4)


def wait(seconds):
    clock.move(dt.timedelta(seconds=seconds))


def only_delivery(subscriber):
    (delivery,) = subscriber.deliveries()
    return delivery


def test_an_event_is_told_once_and_the_published_library_accepts_its_signature(
    subscriber, receiver
):
    endpoint = subscriber.subscribe(receiver.url)
    subscriber.happened("order.placed", order="ord_x", order_id="internal")

    deliver()
    deliver()

    (heard,) = receiver.heard
    told = Webhook(endpoint["secret"]).verify(heard.body, heard.headers)
    assert told["type"] == "order.placed"
    assert told["data"] == {"id": receiver.ids[0], "sequence": 1, "order": "ord_x"}
    assert only_delivery(subscriber)["state"] == "sent"


def test_a_changed_body_is_not_accepted_by_the_published_library(subscriber, receiver):
    endpoint = subscriber.subscribe(receiver.url)
    subscriber.happened()
    deliver()

    (heard,) = receiver.heard
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(heard.body + b" ", heard.headers)


def test_after_a_rotation_both_secrets_verify_and_later_only_the_new_one(
    subscriber, receiver, settings
):
    endpoint = subscriber.subscribe(receiver.url)
    rotated = subscriber.post(f"webhook-endpoints/{endpoint['id']}/rotate-secret").json()
    subscriber.happened()
    deliver()
    for secret in (endpoint["secret"], rotated["secret"]):
        Webhook(secret).verify(receiver.heard[0].body, receiver.heard[0].headers)

    settings.WEBHOOK_OVERLAP_SECONDS = 0.0
    subscriber.post(f"webhook-endpoints/{endpoint['id']}/rotate-secret")
    subscriber.happened()
    deliver()

    with pytest.raises(WebhookVerificationError):
        Webhook(rotated["secret"]).verify(receiver.heard[1].body, receiver.heard[1].headers)


def test_only_the_client_whose_things_they_are_is_told(subscriber, stranger, receiver):
    stranger.subscribe(receiver.url)
    subscriber.happened()

    assert (deliver(), receiver.heard) == (0, [])


def test_what_is_internal_is_told_to_nobody(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened("order.stalled")

    assert publish() == 0
    assert (deliver(), receiver.heard) == (0, [])


def test_an_endpoint_is_told_only_the_types_it_asked_for(subscriber, receiver):
    subscriber.subscribe(receiver.url, event_types=["order.canceled"])
    subscriber.happened("order.placed")
    subscriber.happened("order.canceled")

    deliver()

    assert [json.loads(heard.body)["type"] for heard in receiver.heard] == ["order.canceled"]


def test_what_happened_before_an_endpoint_was_made_is_not_told_to_it(subscriber, receiver):
    subscriber.happened()
    wait(1)
    subscriber.subscribe(receiver.url)

    assert deliver() == 0


def test_a_failure_is_tried_again_by_the_schedule_under_the_same_id(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    receiver.answers = [answer(500, b"out of order"), answer(500)]

    deliver()
    wait(4)
    assert deliver() == 0
    wait(2)
    assert deliver() == 1
    wait(299)
    assert deliver() == 0
    wait(40)
    assert deliver() == 1

    assert len(set(receiver.ids)) == 1
    found = subscriber.get(f"deliveries/{only_delivery(subscriber)['id']}").json()
    assert [each["status"] for each in found["attempts"]] == [500, 500, 204]
    assert found["attempts"][0]["answer"] == "out of order"
    assert found["state"] == "sent"


def test_each_try_has_a_time_stamp_of_its_own(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    receiver.answers = [answer(500)]
    deliver()
    wait(6)
    deliver()

    first, second = (int(heard.headers["webhook-timestamp"]) for heard in receiver.heard)
    assert 6 <= second - first <= 8


def test_after_the_last_try_of_the_schedule_it_is_dead(subscriber, receiver, settings):
    settings.WEBHOOK_DISABLE_AFTER_SECONDS = 30 * 86_400.0
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    receiver.answers = [answer(500)] * 20

    tries = 0
    for _ in range(20):
        tries += deliver()
        wait(100_000)

    assert tries == len(receiver.heard) == 10
    assert only_delivery(subscriber)["state"] == "dead"


def test_a_redirect_is_a_failure_and_is_not_followed(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    receiver.answers = [answer(302, Location=receiver.url + "/elsewhere")]

    deliver()

    assert [heard.path for heard in receiver.heard] == ["/hooks"]
    assert only_delivery(subscriber)["state"] == "retrying"


def test_retry_after_is_honored_for_all_that_goes_there(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    receiver.answers = [answer(429, Retry_After="600")]
    deliver()
    subscriber.happened()

    wait(590)
    assert deliver() == 0
    wait(12)
    assert deliver() == 2


def test_410_disables_the_endpoint_and_says_so_in_the_feed_and_on_a_desk(subscriber, receiver):
    endpoint = subscriber.subscribe(receiver.url)
    subscriber.happened()
    receiver.answers = [answer(410)]

    deliver()
    publish()

    shown = subscriber.get(f"webhook-endpoints/{endpoint['id']}").json()
    assert (shown["state"], shown["disabled_reason"]) == ("disabled", "it answered 410 Gone")
    told = subscriber.get("events", type="webhook_endpoint.disabled").json()["items"]
    assert told[0]["data"]["endpoint"] == endpoint["id"]
    assert Case.objects.get(kind="webhook_endpoint_disabled").state == "open"


def test_days_without_a_success_disable_the_endpoint_and_one_success_starts_anew(
    subscriber, receiver
):
    endpoint = subscriber.subscribe(receiver.url)
    row = WebhookEndpoint.objects.get()
    receiver.answers = [answer(500), answer(204), *[answer(500)] * 10]
    for _ in range(3):
        subscriber.happened()
        deliver()
        clock.move(FOUR_DAYS)
        row.refresh_from_db()
        assert row.state == "enabled"

    clock.move(FOUR_DAYS)
    deliver()

    row.refresh_from_db()
    assert row.state == "disabled"
    assert "nothing was accepted since" in row.disabled_reason
    assert endpoint["id"] == row.reference


def test_an_endpoint_that_is_enabled_again_gets_what_waited_and_its_case_ends(subscriber, receiver):
    endpoint = subscriber.subscribe(receiver.url)
    subscriber.happened()
    subscriber.happened()
    receiver.answers = [answer(410)]
    assert deliver() == 1
    publish()

    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    assert subscriber.api.patch(path, {"state": "enabled"}).status_code == 200

    assert deliver() == 1
    assert Case.objects.get(kind="webhook_endpoint_disabled").state == "resolved"


def test_killed_between_the_request_and_its_mark_it_is_sent_again_under_the_same_id(
    subscriber, receiver, monkeypatch
):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    publish()

    def killed(*_args):
        raise SystemExit

    claimed = webhook_delivery.claim()
    with monkeypatch.context() as patched:
        patched.setattr(webhook_delivery, "_close", killed)
        with pytest.raises(SystemExit):
            webhook_delivery.deliver(claimed)
    assert only_delivery(subscriber)["state"] == "leased"
    assert deliver() == 0

    wait(61)
    assert deliver() == 1

    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1
    assert only_delivery(subscriber)["state"] == "sent"


def test_whoever_slept_through_its_lease_closes_nothing(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    publish()
    receiver.answers = [answer(500), answer(204)]
    slow = webhook_delivery.claim()
    reply = webhook_delivery._send(slow, at=clock.now())
    wait(61)
    deliver()

    webhook_delivery._close(slow, reply, clock.now())

    assert only_delivery(subscriber)["state"] == "sent"


def test_a_delivery_that_kills_whoever_sends_it_is_dead_in_the_end(subscriber, receiver, settings):
    settings.WEBHOOK_SCHEDULE = [1.0]
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    publish()
    for _ in range(2):
        assert webhook_delivery.claim() is not None
        wait(61)

    assert webhook_delivery.claim() is None
    assert only_delivery(subscriber)["state"] == "dead"


def test_every_move_of_a_delivery_is_on_record(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    deliver()

    moves = Transition.objects.filter(aggregate="webhookdelivery").order_by("id")
    assert [(m.from_state, m.to_state) for m in moves] == [
        ("pending", "leased"),
        ("leased", "sent"),
    ]


def test_one_silent_endpoint_does_not_hold_up_another(subscriber, receiver, settings):
    settings.WEBHOOK_PER_ENDPOINT = 1
    subscriber.subscribe("http://127.0.0.1:9/silent")
    for _ in range(3):
        subscriber.happened()
    publish()
    assert webhook_delivery.claim() is not None  # and whoever holds it waits and waits
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    publish()

    delivery = webhook_delivery.claim()

    assert delivery.endpoint.url == receiver.url


def test_an_event_is_fanned_out_to_every_endpoint_of_its_client_once(subscriber, receiver):
    for _ in range(3):
        subscriber.subscribe(receiver.url)
    subscriber.happened()
    publish()
    publish()

    assert WebhookDelivery.objects.count() == 3
    assert deliver() == 3
