"""Who asks to be told again is told now: what failed in an outage, what waited, what is paused."""

import datetime as dt

from events.models import DeliveryAttempt, WebhookDelivery
from foundation import clock
from foundation.models import AuditEntry, Transition
from tests.events.conftest import deliver, publish
from tests.events.receiver import answer

LONG_AGO = "2020-01-01T00:00:00Z"


def an_outage(subscriber, receiver, *, tries=4):
    """An event that failed so often that its next try is hours away."""
    receiver.answers = [answer(500)] * tries
    subscriber.happened()
    for _ in range(tries):
        assert deliver() == 1
        WebhookDelivery.objects.update(due_at=clock.now())
    WebhookDelivery.objects.update(due_at=clock.now() + dt.timedelta(hours=5))


def test_a_range_is_told_again_with_what_waits_hours_for_its_next_try(subscriber, receiver):
    endpoint = subscriber.subscribe(receiver.url)
    an_outage(subscriber, receiver)
    assert deliver() == 0

    path = f"webhook-endpoints/{endpoint['id']}/replay"
    assert subscriber.post(path, {"since": LONG_AGO}).json()["events"] == 1

    assert WebhookDelivery.objects.get().tries == 0
    assert deliver() == 1
    moves = Transition.objects.filter(aggregate="webhookdelivery", reason="replay of a range")
    assert [(move.from_state, move.to_state) for move in moves] == [("retrying", "retrying")]


def paused(subscriber, receiver):
    """An endpoint that asked to be left alone for a day, and what it would not take."""
    endpoint = subscriber.subscribe(receiver.url)
    receiver.answers = [answer(429, Retry_After="86400")]
    subscriber.happened()
    assert deliver() == 1
    assert deliver() == 0
    return endpoint, WebhookDelivery.objects.get()


def test_a_ping_reaches_an_endpoint_that_is_left_alone(subscriber, receiver):
    endpoint, _ = paused(subscriber, receiver)

    assert subscriber.post(f"webhook-endpoints/{endpoint['id']}/ping").status_code == 202

    assert deliver() == 1
    assert b"webhook_endpoint.pinged" in receiver.heard[-1].body


def test_a_delivery_that_is_asked_for_again_is_sent_to_an_endpoint_that_is_left_alone(
    subscriber, receiver
):
    _, delivery = paused(subscriber, receiver)

    assert subscriber.post(f"deliveries/{delivery.reference}/retry").status_code == 202

    assert deliver() == 1
    delivery.refresh_from_db()
    assert delivery.state == "sent"


def test_a_range_is_told_again_to_an_endpoint_that_is_left_alone(subscriber, receiver):
    endpoint, _ = paused(subscriber, receiver)

    path = f"webhook-endpoints/{endpoint['id']}/replay"
    assert subscriber.post(path, {"since": LONG_AGO}).json()["events"] == 1

    assert deliver() == 1


def test_what_waits_for_its_next_try_is_sent_when_its_endpoint_is_enabled(subscriber, receiver):
    path = f"/v1/webhook-endpoints/{subscriber.subscribe(receiver.url)['id']}"
    an_outage(subscriber, receiver)
    for state in ("disabled", "enabled"):
        assert deliver() == 0
        assert subscriber.api.patch(path, {"state": state}).status_code == 200

    assert deliver() == 1


def test_who_pinged_and_who_had_what_told_again_is_on_record(subscriber, receiver):
    path = f"webhook-endpoints/{subscriber.subscribe(receiver.url)['id']}"
    subscriber.happened()
    publish()
    subscriber.post(f"{path}/ping")
    subscriber.post(f"{path}/replay", {"since": LONG_AGO, "types": ["order.placed"]})

    pinged, replayed = AuditEntry.objects.filter(aggregate="webhookendpoint").order_by("at")[1:]
    assert pinged.action == "webhook_endpoint.pinged"
    assert replayed.action == "webhook_endpoint.replayed"
    assert {pinged.actor, replayed.actor} == {f"api:{subscriber.client.name}"}
    assert replayed.after["since"] == LONG_AGO
    assert (replayed.after["types"], replayed.after["events"]) == (["order.placed"], 1)


def test_of_a_delivery_that_was_asked_for_without_end_the_last_hundred_tries_are_shown(
    subscriber, receiver
):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    deliver()
    delivery = WebhookDelivery.objects.get()
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(delivery=delivery, number=number, at=clock.now(), milliseconds=1)
        for number in range(2, 152)
    )

    shown = subscriber.get(f"deliveries/{delivery.reference}").json()["attempts"]

    assert [each["number"] for each in shown] == list(range(52, 152))
