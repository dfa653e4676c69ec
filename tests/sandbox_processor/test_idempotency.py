"""One key, one effect: replays, misuse, crowds."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

from tests.sandbox_processor.conftest import order

AUTHORIZED = {"Authorization": "Bearer sk_test_1"}
FORM = {
    "amount": "1999",
    "currency": "usd",
    "confirm": "true",
    "capture_method": "manual",
    "payment_method": "pm_card_visa",
    "metadata[payment]": "pay_1",
}


def post(processor, form, key):
    return processor.http.post(
        "/v1/payment_intents", data=form, headers={**AUTHORIZED, "Idempotency-Key": key}
    )


def test_the_same_request_again_gets_the_same_bytes_marked_as_replayed(processor):
    first, again = post(processor, FORM, "key-1"), post(processor, FORM, "key-1")
    assert first.content == again.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Idempotency-Key"] == "key-1"
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    assert processor.effects("pay_1") == {"authorization": 1}
    entries = processor.journal(payment="pay_1")["entries"]
    assert [each["replayed"] for each in entries if each["kind"] == "request"] == [False, True]


def test_a_decline_is_replayed_too(processor):
    form = {**FORM, "payment_method": "pm_card_chargeDeclined"}
    first, again = post(processor, form, "key-1"), post(processor, form, "key-1")
    assert (first.status_code, again.status_code) == (402, 402)
    assert first.content == again.content


def test_a_key_with_other_parameters_is_refused(intents):
    intents.create(order("pay_1"), {"idempotency_key": "key-1"})
    with pytest.raises(stripe.IdempotencyError) as caught:
        intents.create(order("pay_1", amount=2000), {"idempotency_key": "key-1"})
    assert caught.value.http_status == 400


def test_the_order_of_the_parameters_does_not_matter(processor):
    turned = dict(reversed(FORM.items()))
    assert post(processor, FORM, "key-1").content == post(processor, turned, "key-1").content


def test_a_request_refused_for_its_parameters_does_not_use_up_its_key(processor):
    assert post(processor, {**FORM, "amount": "x"}, "key-1").status_code == 400
    assert post(processor, FORM, "key-1").status_code == 200


def test_a_crowd_with_one_key_has_one_effect(processor):
    with ThreadPoolExecutor(32) as crowd:
        answers = list(crowd.map(lambda _: post(processor, FORM, "key-1"), range(32)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert processor.effects("pay_1") == {"authorization": 1}


def test_a_key_in_use_is_a_conflict_that_may_be_retried(processor):
    slow = {**FORM, "payment_method": "pm_card_visa__fault_slow_1"}
    with ThreadPoolExecutor(1) as crowd:
        running = crowd.submit(post, processor, slow, "key-1")
        while not processor.journal(payment="pay_1")["entries"]:
            pass
        conflicts = [post(processor, slow, "key-1") for _ in range(3)]
        assert running.result().status_code == 200
    for conflict in conflicts:
        assert conflict.status_code == 409
        assert conflict.json()["error"]["code"] == "idempotency_key_in_use"
        assert conflict.headers["Stripe-Should-Retry"] == "true"
    assert post(processor, slow, "key-1").headers["Idempotent-Replayed"] == "true"
    assert processor.effects("pay_1") == {"authorization": 1}


def test_without_a_key_every_request_is_its_own(processor):
    for _ in range(2):
        httpx.post(f"{processor.url}/v1/payment_intents", data=FORM, headers=AUTHORIZED)
    assert processor.effects("pay_1") == {"authorization": 2}
