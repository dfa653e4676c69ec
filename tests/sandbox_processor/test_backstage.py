"""Time, listeners and deliveries, as a test would have them."""

import json

import pytest
import stripe

from tests.sandbox_processor.conftest import order
from tests.sandbox_processor.test_webhooks import SECRET, STORY, Listener

DAY = 86_400


@pytest.fixture
def listener():
    running = Listener()
    yield running
    running.stop()


def listen(processor, listener, *, secret=SECRET):
    answer = processor.http.put("/_sandbox/listener", json={"url": listener.url, "secret": secret})
    assert answer.status_code == 200


def test_moving_the_time_dates_what_follows_and_ends_holds(processor, intents):
    first = intents.create(order("pay_1"))
    processor.move(6 * DAY)
    second = intents.create(order("pay_2"))
    assert second.created - first.created >= 6 * DAY
    processor.move(2 * DAY)
    assert intents.retrieve(first.id).status == "canceled"
    assert intents.retrieve(second.id).status == "requires_capture"


def test_the_time_stays_moved_over_a_kill_and_is_set_back_with_the_journal(processor):
    before = processor.http.get("/_sandbox/clock").json()["now"]
    processor.move(DAY)
    processor.kill()
    processor.start("--allow-reset")
    assert processor.http.get("/_sandbox/clock").json()["now"] >= before + DAY
    processor.http.delete("/_sandbox/journal")
    assert processor.http.get("/_sandbox/clock").json()["now"] < before + DAY


def test_the_time_can_be_set_right_again(processor):
    before = processor.http.get("/_sandbox/clock").json()["now"]
    processor.move(DAY)
    assert processor.http.delete("/_sandbox/clock").json()["now"] < before + DAY


@pytest.mark.parametrize("seconds", ["1", None, 1e12, [1]])
def test_a_time_that_is_none_is_refused(processor, seconds):
    answer = processor.http.post("/_sandbox/clock", json={"move_seconds": seconds})
    assert answer.status_code == 400


def test_a_hold_can_be_ended_at_once(processor, intents):
    intent = intents.create(order("pay_1"))
    ended = processor.backstage(f"holds/{intent.id}/expire")
    assert (ended["status"], ended["cancellation_reason"]) == ("canceled", "automatic")
    again = processor.backstage(f"holds/{intent.id}/expire")
    assert again["status"] == "canceled"
    assert processor.effects("pay_1") == {"authorization": 1, "cancel": 1}
    assert processor.http.post("/_sandbox/holds/pi_x/expire").status_code == 404


def test_a_listener_can_come_later_and_go_again(processor, listener, intents):
    intents.create(order("pay_1"))
    listen(processor, listener)
    second = intents.create(order("pay_2"))
    assert listener.wait_for(2) == STORY
    assert {json.loads(body)["data"]["object"]["id"] for body, _ in listener.received} == {
        second.id
    }
    processor.http.put("/_sandbox/listener", json={"url": None})
    intents.create(order("pay_3"))
    assert listener.wait_for(3, seconds=1) == STORY
    assert len(processor.client().v1.events.list({"limit": 100}).data) == 6


@pytest.mark.parametrize("url", ["nowhere", 5, "ftp://example.com"])
def test_a_listener_that_is_none_is_refused(processor, url):
    assert processor.http.put("/_sandbox/listener", json={"url": url}).status_code == 400


def test_an_event_is_delivered_as_often_as_asked_and_the_answers_are_told(
    processor, listener, intents
):
    intents.create(order("pay_1"))
    events = processor.client().v1.events.list().data
    listen(processor, listener)
    sent = processor.backstage(f"events/{events[0].id}/send", times=3)
    assert sent["statuses"] == [200, 200, 200]
    listener.refuse = 1
    assert processor.backstage(f"events/{events[1].id}/send")["statuses"] == [500]
    assert listener.wait_for(3) == [STORY[1]] * 3
    for body, signature in listener.received:
        stripe.Webhook.construct_event(body, signature, SECRET)


@pytest.mark.parametrize("wrong", [{"forged": True}, {"age_seconds": 3600}])
def test_an_event_can_be_delivered_forged_or_stale(processor, listener, intents, wrong):
    intents.create(order("pay_1"))
    [event, _] = processor.client().v1.events.list().data
    listen(processor, listener)
    processor.backstage(f"events/{event.id}/send", **wrong)
    listener.wait_for(1)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(*listener.received[0], SECRET)


def test_what_can_not_be_delivered_is_refused(processor, intents):
    intents.create(order("pay_1"))
    [event, _] = processor.client().v1.events.list().data
    assert processor.http.post(f"/_sandbox/events/{event.id}/send").status_code == 400
    assert processor.http.post("/_sandbox/events/evt_x/send").status_code == 404


@pytest.mark.parametrize("path", ["clock", "disputes", "refunds/re_1/settle", "holds"])
@pytest.mark.parametrize("body", ["[]", "{", "null"])
def test_garbage_is_refused(processor, path, body):
    answer = processor.http.post(f"/_sandbox/{path}", content=body)
    assert answer.status_code in (400, 404)


def test_changes_from_the_dashboard_carry_no_key_and_are_told(processor, intents):
    """Whoever clicks there sends the same requests as we, without an idempotency key."""
    for name in ("pay_1", "pay_2"):
        intents.create(order(name), {"idempotency_key": f"ours-{name}"})
    captured, canceled = (intent.id for intent in intents.list().data)
    headers = {"Authorization": "Bearer sk_test_dashboard"}
    for path, form in (
        (f"payment_intents/{captured}/capture", {}),
        (f"payment_intents/{canceled}/cancel", {}),
        ("refunds", {"payment_intent": captured, "amount": "500"}),
    ):
        assert processor.http.post(f"/v1/{path}", data=form, headers=headers).status_code == 200
    events = processor.client().v1.events.list({"limit": 100}).data[::-1]
    told = [event for event in events if event.type not in STORY]
    assert [event.type for event in told] == [
        "charge.captured",
        "payment_intent.succeeded",
        "charge.refunded",
        "payment_intent.canceled",
        "refund.created",
        "charge.refunded",
        "refund.updated",
    ]
    assert {event.request.idempotency_key for event in told} == {None}


def test_what_happens_by_itself_was_asked_for_by_nobody(processor, intents):
    intents.create(order("pay_1"))
    processor.move(8 * DAY)
    event = processor.client().v1.events.list({"type": "payment_intent.canceled"}).data[0]
    assert event.request.id is None
