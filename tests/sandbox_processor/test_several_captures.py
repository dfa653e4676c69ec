"""Several captures of one hold, where card and request allow it."""

import pytest
import stripe

from tests.sandbox_processor.conftest import order

MANY = "pm_card_visa__multicapture"
ASKED = {"card": {"request_multicapture": "if_available"}}


def held(intents, *, method=MANY, options=ASKED):
    return intents.create(
        order("pay_1", method=method, payment_method_options=options, expand=["latest_charge"])
    )


def status_of(intent):
    return intent.latest_charge.payment_method_details.card.multicapture.status


@pytest.mark.parametrize(
    ("method", "options", "granted"),
    [
        (MANY, ASKED, "available"),
        ("pm_card_visa", ASKED, "unavailable"),
        (MANY, {}, "unavailable"),
        (MANY, {"card": {"request_multicapture": "never"}}, "unavailable"),
    ],
)
def test_it_is_granted_to_who_asks_with_a_card_that_can(intents, method, options, granted):
    intent = held(intents, method=method, options=options)
    assert status_of(intent) == granted
    part = {"amount_to_capture": 500, "final_capture": False}
    if granted == "available":
        assert intents.capture(intent.id, part).status == "requires_capture"
    else:
        with pytest.raises(stripe.InvalidRequestError, match="multicapture"):
            intents.capture(intent.id, part)


def test_an_unknown_wish_is_refused(processor, intents):
    with pytest.raises(stripe.InvalidRequestError, match="request_multicapture"):
        held(intents, options={"card": {"request_multicapture": "please"}})
    assert processor.effects("pay_1") == {}


def test_each_capture_is_a_line_and_nothing_is_reversed(processor, intents):
    intent = held(intents)
    intents.capture(intent.id, {"amount_to_capture": 500, "final_capture": False})
    last = intents.capture(intent.id, {"amount_to_capture": 1000, "expand": ["latest_charge"]})
    assert (last.status, last.amount_received, last.amount_capturable) == ("succeeded", 1500, 0)
    assert (last.latest_charge.amount_captured, last.latest_charge.amount_refunded) == (1500, 0)
    lines = processor.client().v1.balance_transactions.list({"source": last.latest_charge.id})
    assert [(line.amount, line.reporting_category) for line in lines.data] == [
        (1000, "charge"),
        (500, "charge"),
    ]
    effects = {"authorization": 1, "capture": 2, "release": 1}
    assert processor.effects("pay_1") == effects


def test_it_is_captured_only_with_the_last_one(processor, intents):
    intent = held(intents)
    part = {"amount_to_capture": 500, "final_capture": False, "expand": ["latest_charge"]}
    assert not intents.capture(intent.id, part).latest_charge.captured
    intents.capture(intent.id, {"amount_to_capture": 0})
    story = [event.type for event in processor.client().v1.events.list().data[::-1]]
    assert story[2:] == [
        "charge.updated",
        "payment_intent.amount_capturable_updated",
        "charge.updated",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]


def test_a_last_capture_of_nothing_lets_the_rest_go(processor, intents):
    intent = held(intents)
    intents.capture(intent.id, {"amount_to_capture": 500, "final_capture": False})
    closed = intents.capture(intent.id, {"amount_to_capture": 0, "final_capture": True})
    assert (closed.status, closed.amount_received) == ("succeeded", 500)
    assert processor.effects("pay_1") == {"authorization": 1, "capture": 1, "release": 1}
    assert processor.holds("pay_1") == []


def test_a_first_capture_of_nothing_is_refused(intents):
    intent = held(intents)
    with pytest.raises(stripe.InvalidRequestError, match="greater than or equal to 1"):
        intents.capture(intent.id, {"amount_to_capture": 0})


def test_canceling_the_rest_keeps_what_was_taken(processor, intents):
    intent = held(intents)
    intents.capture(intent.id, {"amount_to_capture": 500, "final_capture": False})
    gone = intents.cancel(intent.id, {"expand": ["latest_charge"]})
    assert (gone.status, gone.amount_received, gone.amount_capturable) == ("canceled", 500, 0)
    assert (gone.latest_charge.amount_refunded, gone.latest_charge.refunded) == (0, False)
    assert processor.effects("pay_1") == {"authorization": 1, "capture": 1, "cancel": 1}


def test_a_hold_that_runs_out_in_between_has_succeeded(processor, intents):
    intent = held(intents)
    intents.capture(intent.id, {"amount_to_capture": 500, "final_capture": False})
    processor.backstage(f"holds/{intent.id}/expire")
    ended = intents.retrieve(intent.id)
    assert (ended.status, ended.amount_received) == ("succeeded", 500)
    assert processor.effects("pay_1") == {"authorization": 1, "capture": 1, "release": 1}
