"""Cardholders who object, by their card or by hand; what it costs and how it ends."""

import pytest
import stripe

from tests.sandbox_processor.conftest import order


@pytest.fixture
def disputes(processor):
    return processor.client().v1.disputes


def sold(intents, *, method="pm_card_visa", amount=2001):
    return intents.create(order("pay_1", method=method, amount=amount, capture_method="automatic"))


def of(disputes, intent):
    return disputes.list({"payment_intent": intent.id}).data


def story(processor):
    events = processor.client().v1.events.list({"limit": 100}).data[::-1]
    return [event.type.removeprefix("charge.") for event in events if "dispute" in event.type]


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("pm_card_visa__dispute_fraudulent", "fraudulent"),
        ("pm_card_createDispute", "fraudulent"),
        ("pm_card_visa__dispute_product_not_received", "product_not_received"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received"),
    ],
)
def test_a_card_that_disputes_does_so_when_its_money_is_taken(
    processor, intents, disputes, method, reason
):
    intent = intents.create(order("pay_1", method=method))
    assert of(disputes, intent) == []
    intents.capture(intent.id)
    [dispute] = of(disputes, intent)
    assert (dispute.reason, dispute.status, dispute.amount) == (reason, "needs_response", 1999)
    [line] = dispute.balance_transactions
    assert (line.amount, line.fee, line.net) == (-1999, 1500, -3499)
    assert (line.type, line.reporting_category) == ("adjustment", "dispute")
    assert story(processor) == ["dispute.created", "dispute.funds_withdrawn"]
    assert processor.effects("pay_1")["dispute"] == 1


@pytest.mark.parametrize(
    "method", ["pm_card_visa__dispute_inquiry", "pm_card_createDisputeInquiry"]
)
def test_an_inquiry_moves_nothing_until_it_escalates(processor, intents, disputes, method):
    intent = sold(intents, method=method)
    [inquiry] = of(disputes, intent)
    assert (inquiry.status, inquiry.balance_transactions) == ("warning_needs_response", [])
    assert story(processor) == ["dispute.created"]
    assert "dispute" not in processor.effects("pay_1")

    processor.backstage(f"disputes/{inquiry.id}/escalate")

    assert disputes.retrieve(inquiry.id).status == "needs_response"
    assert processor.effects("pay_1")["dispute"] == 1
    assert story(processor)[1:] == ["dispute.funds_withdrawn", "dispute.updated"]


@pytest.mark.parametrize(
    "method", ["pm_card_visa__dispute_twice", "pm_card_createMultipleDisputes"]
)
def test_two_disputes_share_what_was_taken(intents, disputes, method):
    intent = sold(intents, method=method)
    assert [dispute.amount for dispute in of(disputes, intent)] == [1000, 1001]


@pytest.mark.parametrize(
    ("status", "ends"),
    [("won", ["dispute.funds_reinstated", "dispute.closed"]), ("lost", ["dispute.closed"])],
)
def test_the_bank_decides(processor, intents, disputes, status, ends):
    intent = sold(intents)
    opened = processor.backstage("disputes", payment=intent.id, amount=500, reason="duplicate")
    processor.backstage(f"disputes/{opened['id']}/close", status=status)
    closed = disputes.retrieve(opened["id"])
    assert closed.status == status
    assert sum(line.amount for line in closed.balance_transactions) == (
        0 if status == "won" else -500
    )
    assert sum(line.fee for line in closed.balance_transactions) == 1500
    assert story(processor)[2:] == ends
    assert processor.effects("pay_1").get("dispute_reversal", 0) == int(status == "won")


def test_evidence_is_handed_in_and_then_the_bank_reviews_it(processor, intents, disputes):
    intent = sold(intents, method="pm_card_createDispute")
    [dispute] = of(disputes, intent)
    reviewed = disputes.update(dispute.id, {"evidence": {"customer_name": "A"}, "submit": True})
    assert reviewed.status == "under_review"
    assert reviewed.evidence_details.submission_count == 1
    assert disputes.close(dispute.id).status == "lost"
    assert story(processor)[2:] == ["dispute.updated", "dispute.closed"]


def test_a_closed_dispute_stays_closed(processor, intents, disputes):
    intent = sold(intents, method="pm_card_createDispute")
    [dispute] = of(disputes, intent)
    processor.backstage(f"disputes/{dispute.id}/close", status="won")
    again = processor.http.post(f"/_sandbox/disputes/{dispute.id}/close", json={"status": "lost"})
    assert again.status_code == 400
    with pytest.raises(stripe.InvalidRequestError, match="already won"):
        disputes.close(dispute.id)
    assert processor.effects("pay_1")["dispute_reversal"] == 1


def test_a_refund_on_its_way_stops_when_the_money_is_disputed(processor, intents):
    intent = sold(intents, method="pm_card_visa__refund_pending")
    refunds = processor.client().v1.refunds
    refund = refunds.create({"payment_intent": intent.id})
    processor.backstage("disputes", payment=intent.id)
    failed = refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == (
        "failed",
        "charge_for_pending_refund_disputed",
    )
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_disputed"


@pytest.mark.parametrize(
    "given",
    [{}, {"payment": "pi_x"}, {"amount": 2002}, {"amount": 0}, {"amount": "1"}, {"reason": "moon"}],
)
def test_an_impossible_dispute_is_refused(processor, intents, given):
    intent = sold(intents)
    given = given if "payment" in given or not given else {"payment": intent.id, **given}
    answer = processor.http.post("/_sandbox/disputes", json=given)
    assert answer.status_code in (400, 404)
    assert "dispute" not in processor.effects("pay_1")


def test_what_was_not_taken_can_not_be_disputed(processor, intents):
    held = intents.create(order("pay_1"))
    answer = processor.http.post("/_sandbox/disputes", json={"payment": held.id})
    assert answer.status_code == 400


def test_a_disputed_payout_adds_up(processor, intents):
    sold(intents, amount=10_000)
    sold(intents, method="pm_card_createDispute", amount=500)
    [payout] = processor.http.post("/_sandbox/settle").json()["data"]
    lines = processor.client().v1.balance_transactions.list({"payout": payout["id"], "limit": 100})
    assert sum(line.net for line in lines.data if line.type != "payout") == payout["amount"]
    assert "dispute" in {line.reporting_category for line in lines.data}
