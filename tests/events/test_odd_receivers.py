"""Receivers that answer oddly: each try stays on record, and the endpoint is dealt with."""

import datetime as dt

import pytest

from events import webhook_delivery
from events.models import DeliveryAttempt, WebhookDelivery, WebhookEndpoint
from events.states import ENDPOINT
from foundation import cases, clock
from foundation.models import Case
from foundation.state_machine import move
from tests.events.conftest import deliver, publish
from tests.events.receiver import answer

NO_CALENDAR_HAS = "Sun, 06 Nov 99999999999999999999 08:49:37 GMT"


@pytest.mark.parametrize(("status", "state"), [(503, "enabled"), (410, "disabled")])
def test_a_date_that_can_not_be_is_no_way_to_stay_off_the_record(
    subscriber, receiver, status, state
):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    receiver.answers = [answer(status, Retry_After=NO_CALENDAR_HAS)]

    deliver()

    assert DeliveryAttempt.objects.get().status == status
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.failing_since is not None
    assert endpoint.state == state
    assert WebhookDelivery.objects.get().state in ("retrying", "dead")


def _moved(subscriber, endpoint, url):
    reply = subscriber.api.patch(f"/v1/webhook-endpoints/{endpoint['id']}", {"url": url})
    assert reply.status_code == 200
    return WebhookEndpoint.objects.get()


def test_what_the_address_before_asked_for_is_not_asked_of_a_new_one(subscriber, receiver):
    endpoint = subscriber.subscribe(receiver.url)
    subscriber.happened()
    receiver.answers = [answer(429, Retry_After="86400")]
    deliver()
    row = _moved(subscriber, endpoint, receiver.url + "/new")

    assert (row.paused_until, row.failing_since) == (None, None)
    subscriber.happened()
    assert deliver() == 1
    assert receiver.heard[-1].path == "/hooks/new"


@pytest.mark.parametrize(("url", "state"), [("", "disabled"), ("/new", "enabled")])
def test_an_answer_of_the_address_before_says_nothing_of_the_new_one(
    subscriber, receiver, url, state
):
    endpoint = subscriber.subscribe(receiver.url)
    subscriber.happened()
    publish()
    under_way = webhook_delivery.claim()
    receiver.answers = [answer(410)]
    _moved(subscriber, endpoint, receiver.url + url)

    webhook_delivery.deliver(under_way)

    assert WebhookEndpoint.objects.get().state == state


def test_of_two_answers_the_one_that_asks_for_less_does_not_shorten_the_pause(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    subscriber.happened()
    publish()
    both = [webhook_delivery.claim(), webhook_delivery.claim()]
    receiver.answers = [answer(429, Retry_After="3600"), answer(503)]

    for under_way in both:
        webhook_delivery.deliver(under_way)

    left = WebhookEndpoint.objects.get().paused_until - clock.now()
    assert left > dt.timedelta(minutes=50)


@pytest.mark.parametrize("state", ["deleted", "disabled"])
def test_an_endpoint_that_goes_while_its_delivery_is_claimed_is_sent_nothing(
    subscriber, receiver, monkeypatch, state
):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    publish()
    found = webhook_delivery._next

    def found_and_then_gone(late_by):
        delivery_id = found(late_by)
        move(WebhookEndpoint.objects.get(), table=ENDPOINT, to=state, by="api:shop")
        return delivery_id

    monkeypatch.setattr(webhook_delivery, "_next", found_and_then_gone)

    assert webhook_delivery.claim() is None
    assert WebhookDelivery.objects.get().state == "pending"


def test_an_endpoint_that_is_gone_again_is_on_a_desk_again_although_a_person_closed_that_case(
    subscriber, receiver
):
    path = f"/v1/webhook-endpoints/{subscriber.subscribe(receiver.url)['id']}"
    for _ in range(2):
        receiver.answers = [answer(410)]
        subscriber.happened()
        assert deliver() == 1
        cases.close(Case.objects.get(state="open").pk, by="staff:ana", reason="they know")
        assert subscriber.api.patch(path, {"state": "enabled"}).status_code == 200
        clock.move(dt.timedelta(days=1))

    assert Case.objects.filter(state="closed").count() == 2
