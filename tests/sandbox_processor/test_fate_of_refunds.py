"""Refunds that wait, that fail at once, and that come back after they arrived."""

import pytest
import stripe

from tests.sandbox_processor.conftest import order

HOUR = 3600


@pytest.fixture
def refunds(processor):
    return processor.client().v1.refunds


def sold(intents, *, method="pm_card_visa", **more):
    return intents.create(order("pay_1", method=method, capture_method="automatic", **more))


def books(processor):
    lines = processor.client().v1.balance_transactions.list({"limit": 100}).data[::-1]
    return [(line.reporting_category, line.amount) for line in lines]


def story(processor):
    events = processor.client().v1.events.list({"limit": 100}).data[::-1]
    return [event.type for event in events if "refund" in event.type]


@pytest.mark.parametrize("method", ["pm_card_visa__refund_pending", "pm_card_pendingRefund"])
def test_a_pending_refund_arrives_in_its_time(processor, intents, refunds, method):
    refund = refunds.create({"payment_intent": sold(intents, method=method).id})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")

    processor.move(59)
    assert refunds.retrieve(refund.id).status == "pending"
    processor.move(2)

    assert refunds.retrieve(refund.id).status == "succeeded"
    assert processor.effects("pay_1")["refund"] == 1
    assert story(processor) == [
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "refund.updated",
        "charge.refund.updated",
    ]


@pytest.mark.parametrize("method", ["pm_card_visa__refund_fails_later_5", "pm_card_refundFail"])
def test_a_refund_that_arrived_comes_back(processor, intents, refunds, method):
    intent = sold(intents, method=method)
    refund = refunds.create({"payment_intent": intent.id, "amount": 500})
    assert refund.status == "succeeded"

    processor.move(61)

    failed = refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason) == ("failed", "unknown")
    assert failed.failure_balance_transaction.amount == 500
    assert books(processor) == [("charge", 1999), ("refund", -500), ("refund_failure", 500)]
    effects = processor.effects("pay_1")
    assert (effects["refund"], effects["refund_failure"]) == (1, 1)
    assert story(processor)[-2:] == ["refund.failed", "charge.refund.updated"]
    charge = intents.retrieve(intent.id, {"expand": ["latest_charge"]}).latest_charge
    assert (charge.amount_refunded, charge.refunded) == (0, False)


def test_a_refund_that_the_bank_refuses_moves_nothing(processor, intents, refunds):
    intent = sold(intents, method="pm_card_visa__refund_fails")
    refund = refunds.create({"payment_intent": intent.id})
    assert (refund.status, refund.failure_reason) == ("failed", "declined")
    assert books(processor) == [("charge", 1999)]
    assert "refund" not in processor.effects("pay_1")
    assert story(processor) == ["refund.created", "refund.failed"]


def test_a_refund_without_a_balance_waits_and_is_not_booked_until_it_goes(
    processor, intents, refunds
):
    intent = sold(intents, method="pm_card_visa__refund_insufficient_balance")
    refund = refunds.create({"payment_intent": intent.id})
    assert (refund.status, refund.pending_reason) == ("pending", "insufficient_funds")
    processor.move(30 * 24 * HOUR)
    assert books(processor) == [("charge", 1999)]

    settled = processor.backstage(f"refunds/{refund.id}/settle", status="succeeded")

    assert settled["status"] == "succeeded"
    assert books(processor) == [("charge", 1999), ("refund", -1999)]
    assert processor.effects("pay_1")["refund"] == 1


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_never_went_brings_nothing_back(processor, intents, refunds, status):
    intent = sold(intents, method="pm_card_visa__refund_insufficient_balance")
    refund = refunds.create({"payment_intent": intent.id})
    processor.backstage(f"refunds/{refund.id}/settle", status=status)
    assert refunds.retrieve(refund.id).status == status
    assert books(processor) == [("charge", 1999)]
    again = refunds.create({"payment_intent": intent.id})
    assert again.amount == 1999


@pytest.mark.parametrize("chosen", ["for all", "for one", "by metadata", "by the intent"])
def test_a_fate_can_be_chosen_in_every_way(processor, intents, refunds, chosen):
    wish = {"sandbox_fault": "refund_fails"}
    intent = sold(intents, metadata=wish if chosen == "by the intent" else {})
    if chosen.startswith("for"):
        one = {"payment": "pay_1"} if chosen == "for one" else {}
        processor.fault("refund", "refund_fails", times=1, **one)
    given = {"metadata": wish} if chosen == "by metadata" else {}
    assert refunds.create({"payment_intent": intent.id, **given}).status == "failed"


def test_what_is_planned_survives_a_kill(processor, intents, refunds):
    intent = sold(intents, method="pm_card_visa__refund_fails_later")
    refund = refunds.create({"payment_intent": intent.id})
    processor.kill()
    processor.start()
    processor.move(61)
    assert refunds.retrieve(refund.id).status == "failed"


def test_a_refund_comes_back_only_once(processor, intents, refunds):
    intent = sold(intents, method="pm_card_visa__refund_fails_later_5")
    refund = refunds.create({"payment_intent": intent.id})
    for _ in range(2):
        processor.backstage(f"refunds/{refund.id}/settle", status="failed")
    processor.move(HOUR)
    assert books(processor).count(("refund_failure", 1999)) == 1


def test_a_released_remainder_shows_among_the_refunds_as_it_does_at_stripe(
    processor, intents, refunds
):
    partial = intents.create(order("pay_1"))
    intents.capture(partial.id, {"amount_to_capture": 1500})
    listed = refunds.list({"payment_intent": partial.id, "expand": ["data.balance_transaction"]})
    [release] = listed.data
    assert release.amount == 499
    assert release.balance_transaction.reporting_category == "partial_capture_reversal"
    assert "refund" not in processor.effects("pay_1")
    assert refunds.create({"payment_intent": partial.id}).amount == 1500


def test_an_impossible_end_is_refused(processor, intents, refunds):
    refund = refunds.create({"payment_intent": sold(intents).id})
    for given in ({"status": "lost"}, {"status": "failed", "failure_reason": "moon"}, {}):
        answer = processor.http.post(f"/_sandbox/refunds/{refund.id}/settle", json=given)
        assert answer.status_code == 400
    assert processor.http.post("/_sandbox/refunds/re_x/settle", json={}).status_code == 404
    with pytest.raises(stripe.InvalidRequestError):
        refunds.retrieve("re_x")
