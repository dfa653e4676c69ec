"""The real stripe SDK drives every operation, and gets Stripe's answers and refusals."""

import pytest
import stripe

from tests.sandbox_processor.conftest import order


def refused(call, *arguments):
    with pytest.raises(stripe.StripeError) as caught:
        call(*arguments)
    return caught.value


def test_a_manual_authorization_holds_the_amount_and_shows_the_card(intents):
    intent = intents.create(order("pay_1", expand=["latest_charge"]))
    assert (intent.status, intent.amount_capturable, intent.livemode) == (
        "requires_capture",
        1999,
        False,
    )
    card = intent.latest_charge.payment_method_details.card
    assert (card.brand, card.last4, card.country, card.funding) == ("visa", "4242", "US", "credit")
    assert card.capture_before - intent.created == pytest.approx(7 * 86_400, abs=2)
    assert intent.latest_charge.captured is False


def test_an_automatic_intent_is_captured_at_once(processor, intents):
    intent = intents.create(
        order("pay_1", capture_method="automatic", expand=["latest_charge.balance_transaction"])
    )
    assert (intent.status, intent.amount_received) == ("succeeded", 1999)
    assert intent.latest_charge.balance_transaction.fee == 88
    assert processor.effects("pay_1") == {"authorization": 1, "capture": 1}


def test_an_intent_can_be_created_first_and_confirmed_later(processor, intents):
    intent = intents.create(order("pay_1", confirm=False))
    assert intent.status == "requires_confirmation"
    assert processor.effects("pay_1") == {}
    assert intents.confirm(intent.id).status == "requires_capture"
    assert processor.effects("pay_1") == {"authorization": 1}


def test_capture_takes_what_was_held(intents):
    intent = intents.create(order("pay_1"))
    captured = intents.capture(intent.id)
    assert (captured.status, captured.amount_received, captured.amount_capturable) == (
        "succeeded",
        1999,
        0,
    )


def test_a_partial_capture_lets_the_remainder_go(processor, intents):
    intent = intents.create(order("pay_1"))
    captured = intents.capture(intent.id, {"amount_to_capture": 1500, "expand": ["latest_charge"]})
    assert (captured.status, captured.amount_received) == ("succeeded", 1500)
    assert captured.latest_charge.amount_captured == 1500
    assert captured.latest_charge.amount_refunded == 499
    assert processor.effects("pay_1") == {"authorization": 1, "capture": 1, "release": 1}
    assert processor.holds("pay_1") == []


def test_a_capture_above_the_hold_is_refused(processor, intents):
    intent = intents.create(order("pay_1"))
    error = refused(intents.capture, intent.id, {"amount_to_capture": 2000})
    assert (error.http_status, error.code) == (400, "amount_too_large")
    assert "capture" not in processor.effects("pay_1")


def test_cancel_lets_the_hold_go(processor, intents):
    intent = intents.create(order("pay_1"))
    assert len(processor.holds("pay_1")) == 1
    canceled = intents.cancel(intent.id, {"cancellation_reason": "requested_by_customer"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "requested_by_customer")
    assert processor.holds("pay_1") == []
    assert processor.effects("pay_1") == {"authorization": 1, "cancel": 1}


def test_a_canceled_intent_cannot_be_captured(intents):
    intent = intents.create(order("pay_1"))
    intents.cancel(intent.id)
    error = refused(intents.capture, intent.id)
    assert (error.http_status, error.code) == (400, "payment_intent_unexpected_state")
    assert error.error.payment_intent.status == "canceled"


def test_a_captured_intent_cannot_be_canceled(intents):
    intent = intents.create(order("pay_1"))
    intents.capture(intent.id)
    assert refused(intents.cancel, intent.id).code == "payment_intent_unexpected_state"


def test_an_unknown_intent_is_missing(intents):
    error = refused(intents.retrieve, "pi_nobody")
    assert (error.http_status, error.code) == (404, "resource_missing")


def test_an_unknown_payment_method_is_refused(processor, intents):
    error = refused(intents.create, order("pay_1", method="pm_nobody"))
    assert (error.http_status, error.code) == (400, "resource_missing")
    assert "No such PaymentMethod" in error.user_message
    assert processor.effects("pay_1") == {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"amount": "1.5"}, "parameter_invalid_integer"),
        ({"amount": {"x": 1}}, None),
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 100_000_000}, "amount_too_large"),
    ],
)
def test_an_impossible_amount_is_refused(processor, intents, change, code):
    assert refused(intents.create, {**order("pay_1"), **change}).code == code
    assert processor.effects("pay_1") == {}


@pytest.mark.parametrize("currency", ["usd", "eur", "gbp", "jpy", "kwd"])
def test_amounts_are_plain_integers_in_every_currency(intents, currency):
    intent = intents.create(order("pay_1", amount=12_345, currency=currency.upper()))
    assert (intent.amount, intent.currency) == (12_345, currency)


def test_expanding_what_cannot_be_expanded_has_no_effect(processor, intents):
    assert refused(intents.create, order("pay_1", expand=["nonsense"])).http_status == 400
    assert processor.effects("pay_1") == {}


def test_intents_are_listed_newest_first_and_by_page(intents):
    made = [intents.create(order(f"pay_{number}")).id for number in range(5)]
    page = intents.list({"limit": 2})
    assert ([each.id for each in page.data], page.has_more) == ([made[4], made[3]], True)
    after = intents.list({"limit": 2, "starting_after": made[3]})
    assert [each.id for each in after.data] == [made[2], made[1]]
    before = intents.list({"limit": 2, "ending_before": made[2]})
    assert [each.id for each in before.data] == [made[4], made[3]]
    assert [each.id for each in intents.list({"limit": 2}).auto_paging_iter()] == made[::-1]


def test_a_list_can_be_narrowed_to_a_time(intents):
    created = intents.create(order("pay_1")).created
    inside = intents.list({"created": {"gte": created, "lte": created}})
    assert len(inside.data) == 1
    assert intents.list({"created": {"gt": created}}).data == []
    assert intents.list({"created": {"lt": created}}).data == []


def test_search_finds_an_intent_by_its_metadata(intents):
    wanted = intents.create(order("pay_1"))
    intents.create(order("pay_2"))
    found = intents.search({"query": "metadata['payment']:'pay_1' AND status:'requires_capture'"})
    assert [each.id for each in found.data] == [wanted.id]
    assert intents.search({"query": "metadata['payment']:'pay_3'"}).data == []
    assert refused(intents.search, {"query": "what is this"}).http_status == 400


def test_events_tell_the_story_and_can_be_read_again(processor, intents):
    intent = intents.create(order("pay_1"))
    intents.capture(intent.id)
    events = processor.client().v1.events
    listed = events.list().data[::-1]
    assert [event.type for event in listed] == [
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]
    again = events.retrieve(listed[1].id)
    assert again.data.object["status"] == "requires_capture"
    assert len(events.list({"type": "charge.captured"}).data) == 1


def test_a_key_is_needed_and_a_live_one_is_refused(processor):
    assert processor.http.get("/v1/payment_intents").status_code == 401
    live = processor.client(key="sk_live_1").v1.payment_intents
    with pytest.raises(stripe.AuthenticationError, match="sandbox"):
        live.create(order("pay_1"))
    assert processor.effects("pay_1") == {}


def test_an_unknown_url_is_a_stripe_error(processor):
    answer = processor.http.get("/v1/unicorns", headers={"Authorization": "Bearer sk_test_1"})
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"
