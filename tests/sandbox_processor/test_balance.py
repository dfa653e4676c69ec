"""Refunds, balance transactions, payouts and the settlement report add up."""

import csv
from datetime import UTC, datetime

import pytest
import stripe

from tests.sandbox_processor.conftest import order


@pytest.fixture
def api(processor):
    return processor.client().v1


@pytest.fixture
def paid(intents):
    return intents.create(order("pay_1", amount=10_000, capture_method="automatic"))


def report(processor):
    today = f"{datetime.now(tz=UTC):%Y-%m-%d}"
    answer = processor.http.get("/_sandbox/settlement.csv", params={"date": today})
    assert answer.headers["content-type"] == "text/csv"
    return list(csv.DictReader(answer.text.splitlines()))


def test_a_refund_gives_back_a_part_and_then_the_rest(processor, api, paid):
    part = api.refunds.create(
        {"payment_intent": paid.id, "amount": 4000, "reason": "requested_by_customer"}
    )
    assert (part.status, part.amount, part.reason) == ("succeeded", 4000, "requested_by_customer")
    rest = api.refunds.create({"charge": paid.latest_charge})
    assert rest.amount == 6000
    charge = api.charges.retrieve(paid.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (10_000, True)
    assert api.refunds.retrieve(part.id).id == part.id
    listed = api.refunds.list({"payment_intent": paid.id})
    assert [each.id for each in listed.data] == [rest.id, part.id]
    assert processor.effects("pay_1")["refund"] == 2


def test_more_than_was_captured_is_never_refunded(processor, intents, api):
    intent = intents.create(order("pay_2", amount=10_000))
    intents.capture(intent.id, {"amount_to_capture": 7000})
    with pytest.raises(stripe.InvalidRequestError):
        api.refunds.create({"payment_intent": intent.id, "amount": 7001})
    api.refunds.create({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.refunds.create({"payment_intent": intent.id, "amount": 1})
    assert caught.value.code == "charge_already_refunded"
    refunds = [e for e in processor.journal(payment="pay_2")["entries"] if e.get("refund")]
    assert [each["amount"] for each in refunds] == [7000]


def test_a_hold_cannot_be_refunded(intents, api):
    intent = intents.create(order("pay_2"))
    with pytest.raises(stripe.InvalidRequestError):
        api.refunds.create({"payment_intent": intent.id})


def test_every_line_of_the_books_adds_up(processor, intents, api, paid):
    partial = intents.create(order("pay_2", amount=2000))
    intents.capture(partial.id, {"amount_to_capture": 1500})
    api.refunds.create({"payment_intent": paid.id, "amount": 4000})
    lines = api.balance_transactions.list({"limit": 100}).data
    assert all(line.net == line.amount - line.fee for line in lines)
    assert sum(line.amount for line in lines) == 10_000 + 1500 - 4000
    assert sum(line.fee for line in lines) == (290 + 30) + (44 + 30)
    by_category = {line.reporting_category: line.amount for line in lines}
    assert by_category == {"charge": 10_000, "partial_capture_reversal": -500, "refund": -4000}
    one = api.balance_transactions.retrieve(lines[0].id)
    assert one.available_on > one.created


def test_a_payout_closes_what_was_captured_and_nothing_twice(processor, intents, api, paid):
    settled = processor.http.post("/_sandbox/settle").json()["data"]
    assert len(settled) == 1
    payout = api.payouts.retrieve(settled[0]["id"])
    assert (payout.status, payout.amount) == ("paid", 10_000 - 320)
    lines = api.balance_transactions.list({"payout": payout.id}).data
    assert sorted(line.reporting_category for line in lines) == ["charge", "payout"]
    assert sum(line.net for line in lines) == 0
    assert processor.http.post("/_sandbox/settle").json()["data"] == []
    intents.create(order("pay_2", amount=2000, capture_method="automatic"))
    second = processor.http.post("/_sandbox/settle").json()["data"][0]
    assert second["amount"] == 2000 - 88
    assert [each.id for each in api.payouts.list().data] == [second["id"], payout.id]
    again = api.balance_transactions.list({"payout": payout.id}).data
    assert [line.id for line in again] == [line.id for line in lines]


def test_each_currency_has_its_own_payout(processor, intents):
    for currency in ("usd", "eur"):
        intents.create(order("pay_1", currency=currency, capture_method="automatic"))
    settled = processor.http.post("/_sandbox/settle").json()["data"]
    assert sorted(payout["currency"] for payout in settled) == ["eur", "usd"]


def test_the_report_has_a_line_for_each_line_of_the_books(processor, api, paid):
    api.refunds.create({"payment_intent": paid.id, "amount": 4000})
    lines = report(processor)
    assert [(line["reporting_category"], line["gross"]) for line in lines] == [
        ("charge", "10000"),
        ("refund", "-4000"),
    ]
    assert {line["payment_reference"] for line in lines} == {"pay_1"}
    assert {line["payment_intent_id"] for line in lines} == {paid.id}


@pytest.mark.parametrize(
    ("fault", "gross", "currencies"),
    [
        ("missing", ["2000"], ["usd"]),
        ("extra", ["10000", "2000", "1234"], ["usd", "usd", "usd"]),
        ("off_by_one", ["10000", "2001"], ["usd", "usd"]),
        ("other_currency", ["10000", "2000"], ["usd", "eur"]),
    ],
)
def test_a_report_can_be_wrong_in_the_same_way_each_time(
    processor, intents, paid, fault, gross, currencies
):
    intents.create(order("pay_2", amount=2000, capture_method="automatic"))
    processor.fault("settlement", fault)
    for _ in range(2):
        lines = report(processor)
        assert [line["gross"] for line in lines] == gross
        assert [line["currency"] for line in lines] == currencies


def test_a_day_that_is_no_day_is_refused(processor):
    answer = processor.http.get("/_sandbox/settlement.csv", params={"date": "yesterday"})
    assert answer.status_code == 400
