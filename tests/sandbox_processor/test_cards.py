"""Stripe's test cards look and behave as documented."""

import pytest
import stripe

from tests.sandbox_processor.conftest import order


@pytest.mark.parametrize(
    ("method", "brand", "country", "funding"),
    [
        ("pm_card_visa", "visa", "US", "credit"),
        ("pm_card_visa_debit", "visa", "US", "debit"),
        ("pm_card_mastercard", "mastercard", "US", "credit"),
        ("pm_card_amex", "amex", "US", "credit"),
        ("pm_card_discover", "discover", "US", "credit"),
        ("pm_card_jcb", "jcb", "JP", "credit"),
        ("pm_card_unionpay", "unionpay", "CN", "credit"),
        ("pm_card_de", "visa", "DE", "credit"),
        ("pm_card_gb", "visa", "GB", "credit"),
    ],
)
def test_a_good_card_is_authorized_and_described(intents, method, brand, country, funding):
    intent = intents.create(order("pay_1", method=method, expand=["latest_charge"]))
    card = intent.latest_charge.payment_method_details.card
    assert intent.status == "requires_capture"
    assert (card.brand, card.country, card.funding) == (brand, country, funding)


@pytest.mark.parametrize(
    ("name", "code", "decline_code"),
    [
        ("chargeDeclined", "card_declined", "generic_decline"),
        ("chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("chargeDeclinedExpiredCard", "expired_card", None),
        ("chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("chargeDeclinedProcessingError", "processing_error", None),
        ("chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ],
)
def test_a_bad_card_is_declined_and_holds_nothing(processor, intents, name, code, decline_code):
    with pytest.raises(stripe.CardError) as caught:
        intents.create(order("pay_1", method=f"pm_card_{name}"))
    error = caught.value
    body = error.json_body["error"]
    assert (error.http_status, error.code, body.get("decline_code")) == (402, code, decline_code)
    assert body["payment_intent"]["status"] == "requires_payment_method"
    assert processor.effects("pay_1") == {}
    assert processor.holds("pay_1") == []


def test_another_card_can_be_tried_after_a_decline(intents):
    with pytest.raises(stripe.CardError) as caught:
        intents.create(order("pay_1", method="pm_card_chargeDeclined"))
    intent = caught.value.json_body["error"]["payment_intent"]["id"]
    assert intents.confirm(intent, {"payment_method": "pm_card_visa"}).status == "requires_capture"


def test_a_suffix_makes_another_card_that_behaves_alike(processor):
    methods = processor.client().v1.payment_methods
    plain = methods.retrieve("pm_card_visa").card
    first = methods.retrieve("pm_card_visa__7f3a").card
    second = methods.retrieve("pm_card_visa__7f3b").card
    assert first.last4 == plain.last4
    assert len({plain.fingerprint, first.fingerprint, second.fingerprint}) == 3
    assert methods.retrieve("pm_card_visa__7f3a").card.fingerprint == first.fingerprint


def test_a_risky_card_is_authorized_with_elevated_risk(intents):
    intent = intents.create(
        order("pay_1", method="pm_card_riskLevelElevated", expand=["latest_charge"])
    )
    assert intent.latest_charge.outcome.risk_level == "elevated"


def test_a_challenged_card_waits_for_its_holder_then_holds(processor, intents):
    intent = intents.create(order("pay_1", method="pm_card_authenticationRequired"))
    assert intent.status == "requires_action"
    assert intent.next_action.type == "redirect_to_url"
    assert processor.effects("pay_1") == {}
    assert processor.http.post(intent.next_action.redirect_to_url.url).status_code == 200
    assert intents.retrieve(intent.id).status == "requires_capture"
    assert processor.effects("pay_1") == {"authorization": 1}


def test_confirming_again_stands_for_the_holder(intents):
    intent = intents.create(order("pay_1", method="pm_card_authenticationRequired"))
    assert intents.confirm(intent.id).status == "requires_capture"


def test_a_failed_challenge_wants_another_card(processor, intents):
    intent = intents.create(order("pay_1", method="pm_card_authenticationRequired"))
    url = intent.next_action.redirect_to_url.url
    processor.http.post(url, params={"result": "fail"})
    failed = intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    assert processor.effects("pay_1") == {}


@pytest.mark.parametrize("flag", ["off_session", "error_on_requires_action"])
def test_a_challenge_nobody_can_answer_is_a_decline(processor, intents, flag):
    with pytest.raises(stripe.CardError) as caught:
        intents.create(order("pay_1", method="pm_card_authenticationRequired", **{flag: True}))
    assert caught.value.code == "authentication_required"
    assert processor.effects("pay_1") == {}
