"""Each fault does what it says: the journal shows the effect or its absence."""

import time

import pytest
import stripe

from tests.sandbox_processor.conftest import order

NOTHING = {}
HELD = {"authorization": 1}


def failing(call, *arguments):
    with pytest.raises(stripe.StripeError) as caught:
        call(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("fault", "error", "effects"),
    [
        ("timeout_before_1", stripe.APIConnectionError, NOTHING),
        ("timeout_after_1", stripe.APIConnectionError, HELD),
        ("reset_before", stripe.APIConnectionError, NOTHING),
        ("lost_reply", stripe.APIConnectionError, HELD),
        ("500_before", stripe.APIError, NOTHING),
        ("500_after", stripe.APIError, HELD),
        ("malformed", stripe.APIError, HELD),
        ("empty", stripe.APIError, HELD),
        ("rate_limited", stripe.RateLimitError, NOTHING),
    ],
)
def test_a_fault_of_the_card_fails_the_authorization_with_or_without_its_effect(
    processor, intents, fault, error, effects
):
    with pytest.raises(error):
        intents.create(order("pay_1", method=f"pm_card_visa__fault_{fault}"))
    assert processor.effects("pay_1") == effects
    assert len(processor.holds("pay_1")) == effects.get("authorization", 0)


@pytest.mark.parametrize(("operation", "expected"), [("capture", "capture"), ("cancel", "cancel")])
@pytest.mark.parametrize(
    ("fault", "happens"),
    [
        ("timeout_before", False),
        ("timeout_after", True),
        ("lost_reply", True),
        ("500_before", False),
    ],
)
def test_metadata_can_put_a_fault_on_a_later_operation(
    processor, intents, operation, expected, fault, happens
):
    metadata = {
        "sandbox_fault": fault,
        "sandbox_fault_on": operation,
        "sandbox_fault_seconds": "0.2",
    }
    intent = intents.create(order("pay_1", metadata=metadata))
    failing(getattr(intents, operation), intent.id)
    assert processor.effects("pay_1").get(expected, 0) == int(happens)


def test_a_fault_for_all_strikes_as_often_as_it_says(processor, intents):
    processor.fault("create", "reset_before", times=2)
    for _ in range(2):
        failing(intents.create, order("pay_1"))
    assert processor.effects("pay_1") == NOTHING
    assert intents.create(order("pay_1")).status == "requires_capture"


def test_a_fault_for_all_can_aim_at_one_payment(processor, intents):
    processor.fault("create", "reset_before", payment="pay_2")
    assert intents.create(order("pay_1")).status == "requires_capture"
    failing(intents.create, order("pay_2"))


def test_faults_can_be_listed_and_cleared(processor, intents):
    rule = processor.fault("*", "500_before")
    assert processor.http.get("/_sandbox/faults").json()["data"] == [rule]
    failing(intents.create, order("pay_1"))
    processor.http.delete("/_sandbox/faults")
    assert intents.create(order("pay_1")).status == "requires_capture"


def test_faults_survive_a_restart(processor, intents):
    processor.fault("create", "reset_before", times=2)
    failing(intents.create, order("pay_1"))
    processor.kill()
    processor.start()
    failing(intents.create, order("pay_1"))
    assert intents.create(order("pay_1")).status == "requires_capture"


def test_an_unknown_fault_is_refused(processor, intents):
    answer = processor.http.post("/_sandbox/faults", json={"operation": "create", "fault": "x"})
    assert answer.status_code == 400
    assert (
        failing(intents.create, order("pay_1", method="pm_card_visa__fault_x")).http_status == 400
    )


def test_a_counted_fault_of_the_card_lets_a_later_try_through(processor, intents):
    wanted = order("pay_1", method="pm_card_visa__fault_reset_before_2")
    for _ in range(2):
        failing(intents.create, wanted)
    assert intents.create(wanted).status == "requires_capture"
    assert processor.effects("pay_1") == HELD


@pytest.mark.parametrize("fault", ["timeout_after_1", "lost_reply", "malformed", "empty"])
def test_the_lost_answer_can_be_had_again_with_the_same_key(processor, intents, fault):
    wanted = order("pay_1", method=f"pm_card_visa__fault_{fault}")
    failing(intents.create, wanted, {"idempotency_key": "key-1"})
    assert intents.create(wanted, {"idempotency_key": "key-1"}).status == "requires_capture"
    assert processor.effects("pay_1") == HELD


@pytest.mark.parametrize("fault", ["500_before", "500_after"])
def test_a_500_is_replayed_for_its_key_as_stripe_does(processor, intents, fault):
    wanted = order("pay_1", method=f"pm_card_visa__fault_{fault}_1")
    for _ in range(2):
        error = failing(intents.create, wanted, {"idempotency_key": "key-1"})
        assert error.http_status == 500
        assert error.headers["Stripe-Should-Retry"] == "false"
    assert processor.effects("pay_1") == (HELD if fault == "500_after" else NOTHING)


@pytest.mark.parametrize("fault", ["500_before", "500_after"])
def test_a_500_that_is_not_stored_gives_way_to_the_truth(processor, intents, fault):
    metadata = {
        "sandbox_fault": fault,
        "sandbox_fault_times": "1",
        "sandbox_fault_store": "false",
    }
    wanted = order("pay_1", metadata=metadata)
    failing(intents.create, wanted, {"idempotency_key": "key-1"})
    assert intents.create(wanted, {"idempotency_key": "key-1"}).status == "requires_capture"
    assert processor.effects("pay_1") == HELD


def test_a_slow_request_takes_its_time_and_then_works(intents):
    started = time.monotonic()
    intents.create(order("pay_1", method="pm_card_visa__fault_slow_1"))
    assert 1 <= time.monotonic() - started < 3


def test_a_slow_request_has_its_effect_after_the_client_gave_up(processor):
    impatient = processor.client(timeout=0.2).v1.payment_intents
    failing(impatient.create, order("pay_1", method="pm_card_visa__fault_slow_1"))
    assert processor.effects("pay_1") == NOTHING
    deadline = time.monotonic() + 5
    while processor.effects("pay_1") == NOTHING and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processor.effects("pay_1") == HELD


def test_a_hang_ends_by_itself(processor, intents):
    started = time.monotonic()
    failing(intents.create, order("pay_1", method="pm_card_visa__fault_timeout_before_1"))
    assert 1 <= time.monotonic() - started < 3


def test_a_wrong_amount_is_only_echoed(processor, intents):
    intent = intents.create(order("pay_1", method="pm_card_visa__fault_wrong_amount_echoed"))
    assert intent.amount == 2000
    assert intents.retrieve(intent.id).amount == 1999
    assert processor.holds("pay_1")[0]["amount"] == 1999


def test_a_rate_limit_says_when_to_come_back(processor, intents):
    processor.fault("create", "rate_limited", seconds=7)
    error = failing(intents.create, order("pay_1"))
    assert (error.http_status, error.headers["Retry-After"]) == (429, "7")


def test_a_look_up_can_fail_while_the_money_is_held(processor, intents):
    intent = intents.create(order("pay_1", method="pm_card_visa__fault_lookup_500"))
    assert failing(intents.retrieve, intent.id).http_status == 500
    assert failing(intents.search, {"query": "metadata['payment']:'pay_1'"}).http_status == 500
    assert failing(intents.list).http_status == 500
    assert processor.effects("pay_1") == HELD


def test_a_look_up_that_failed_once_works_the_next_time(intents):
    intents.create(order("pay_1", method="pm_card_visa__fault_lookup_500_1"))
    query = {"query": "metadata['payment']:'pay_1'"}
    assert failing(intents.search, query).http_status == 500
    assert len(intents.search(query).data) == 1


@pytest.mark.parametrize("chosen", ["card", "for all"])
def test_a_search_lags_behind_while_a_retrieve_does_not(processor, intents, chosen):
    if chosen == "for all":
        processor.fault("search", "search_lag", seconds=1)
    suffix = "__fault_search_lag_1" if chosen == "card" else ""
    intent = intents.create(order("pay_1", method=f"pm_card_visa{suffix}"))
    query = {"query": "metadata['payment']:'pay_1'"}
    assert intents.search(query).data == []
    assert intents.retrieve(intent.id).id == intent.id
    time.sleep(1.1)
    assert len(intents.search(query).data) == 1


def test_a_refused_capture_leaves_the_hold(processor, intents):
    intent = intents.create(order("pay_1", method="pm_card_visa__fault_capture_refused"))
    assert failing(intents.capture, intent.id).code == "capture_unauthorized_payment"
    assert processor.effects("pay_1") == HELD
    assert intents.cancel(intent.id).status == "canceled"


def test_an_expired_hold_cancels_itself_and_cannot_be_captured(processor, intents):
    intent = intents.create(order("pay_1", method="pm_card_visa__fault_authorization_expires_1"))
    assert len(processor.holds("pay_1")) == 1
    time.sleep(1.1)
    assert failing(intents.capture, intent.id).code == "payment_intent_unexpected_state"
    expired = intents.retrieve(intent.id)
    assert (expired.status, expired.cancellation_reason) == ("canceled", "automatic")
    assert processor.effects("pay_1") == {"authorization": 1, "cancel": 1}


def test_a_hold_expires_on_time_although_the_sandbox_was_down(processor, intents):
    intent = intents.create(order("pay_1", method="pm_card_visa__fault_authorization_expires_1"))
    processor.kill()
    time.sleep(1.5)
    processor.start()
    assert intents.retrieve(intent.id).status == "canceled"


def test_requires_action_can_be_asked_of_any_card(processor, intents):
    intent = intents.create(order("pay_1", method="pm_card_visa__fault_requires_action"))
    assert intent.status == "requires_action"
    assert processor.effects("pay_1") == NOTHING


def test_a_refund_can_lose_its_answer(processor, intents):
    intent = intents.create(order("pay_1", capture_method="automatic"))
    processor.fault("refund", "lost_reply", times=1)
    refunds = processor.client().v1.refunds
    failing(refunds.create, {"payment_intent": intent.id})
    assert processor.effects("pay_1")["refund"] == 1
