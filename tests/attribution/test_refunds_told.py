"""Analytics is told of what was given back of the purchases it knows: once each, in its parts."""

import datetime as dt
import json

import pytest

from attribution import analytics, purchases, refunds
from attribution.analytics.base import Refund, Refused, Unavailable
from attribution.analytics.ga4 import MeasurementProtocol, refund_message
from attribution.models import RefundSending
from attribution.tasks import tell_purchases
from foundation import clock
from foundation.money import Money
from payments.models import Refund as GivenBack
from tests.attribution.orders import an_order
from tests.attribution.test_measurement_protocol import google  # noqa: F401 - a fixture
from tests.attribution.test_purchases_told import Listener, later


@pytest.fixture
def listener(monkeypatch):
    there = Listener()
    monkeypatch.setattr(analytics, "port", lambda: there)
    return there


def given_back(order, amount=4298, *, sequence=1, state="succeeded", at=None):
    return GivenBack.objects.create(
        payment=order.payment, amount=amount, currency=order.currency, sequence=sequence,
        state=state, actor="api:shop", ended_at=at or clock.now(), leased_until=None,
    )  # fmt: skip


def refunds_heard(listener):
    return [each for each in listener.heard if isinstance(each, Refund)]


def test_each_part_that_is_given_back_is_told_once(client, listener):
    order = an_order(client, client_id="123.456", session_id="77")
    parts = [given_back(order, 1000), given_back(order, 298, sequence=2)]

    tell_purchases()
    tell_purchases()

    told = refunds_heard(listener)
    assert [each.amount for each in told] == [Money(1000, "USD"), Money(298, "USD")]
    assert [each.reference for each in told] == [part.reference for part in parts]
    assert {(each.number, each.browser_id) for each in told} == {(order.public_number, "123.456")}


def test_a_purchase_is_told_before_its_refund_however_it_came(client, listener):
    order = an_order(client)
    given_back(order)
    listener.mood = Unavailable("no answer")
    tell_purchases()
    assert not RefundSending.objects.exists()
    listener.mood = None
    later(seconds=31)

    tell_purchases()

    assert [type(each) is Refund for each in listener.heard] == [False, True]


NOT_TOLD = {
    "of who refused": {"consent": "denied", "client_id": ""},
    "of a browser without an id": {"client_id": ""},
    "of a test": {"metadata": {"test": "true"}},
}


@pytest.mark.parametrize("name", NOT_TOLD)
def test_what_analytics_was_not_told_of_is_not_taken_back_from_it(client, listener, name):
    given_back(an_order(client, **NOT_TOLD[name]))

    tell_purchases()

    assert listener.heard == []
    assert not RefundSending.objects.exists()


def test_a_purchase_that_was_given_up_has_no_refund(client, listener):
    order = an_order(client)
    listener.mood = Refused("VALUE_INVALID")
    purchases.tell(limit=10)
    listener.mood = None
    given_back(order)

    tell_purchases()

    assert listener.heard == []


@pytest.mark.parametrize("state", ["pending", "failed"])
def test_money_that_was_not_given_back_is_not_told(client, listener, state):
    given_back(an_order(client), state=state)

    tell_purchases()

    assert refunds_heard(listener) == []


def test_a_refund_months_after_its_purchase_is_told(client, listener):
    order = an_order(client)
    tell_purchases()
    later(days=60)
    given_back(order)

    tell_purchases()

    assert len(refunds_heard(listener)) == 1


def test_a_refund_that_nobody_told_of_for_a_day_is_found_by_the_next_sweep(client, listener):
    order = an_order(client)
    tell_purchases()
    given_back(order)
    later(hours=24)

    tell_purchases()

    assert len(refunds_heard(listener)) == 1


def test_what_gets_no_answer_is_told_again_later_and_given_up_after_three_days(client, listener):
    order = an_order(client)
    tell_purchases()
    given_back(order)
    listener.mood = Unavailable("no answer")
    assert refunds.tell(limit=10) == 0
    later(hours=73)

    refunds.tell(limit=10)

    row = RefundSending.objects.get()
    assert (row.sent_at, row.attempts, row.last_error) == (None, 2, "no answer")
    assert row.failed_at is not None


def test_what_analytics_refuses_is_given_up(client, listener):
    order = an_order(client)
    tell_purchases()
    given_back(order)
    listener.mood = Refused("VALUE_INVALID")

    refunds.tell(limit=10)

    row = RefundSending.objects.get()
    assert (row.last_error, row.sent_at) == ("VALUE_INVALID", None)


def test_without_a_port_nothing_is_planned_or_sent(client):
    given_back(an_order(client))

    assert refunds.tell(limit=10) == 0
    assert not RefundSending.objects.exists()


REFUND = Refund(
    reference="rfd_1", number="R1000001", amount=Money(1250, "KWD"), browser_id="123.456",
    given_at=dt.datetime(2026, 11, 20, 10, 0, 0, 123_456, tzinfo=dt.UTC),
)  # fmt: skip


def test_ga4_is_told_of_a_refund_by_the_orders_number_and_its_amount():
    told = refund_message(REFUND)

    assert told["client_id"] == "123.456"
    assert told["timestamp_micros"] == round(REFUND.given_at.timestamp() * 1_000_000)
    assert told["events"] == [
        {
            "name": "refund",
            "params": {
                "transaction_id": "R1000001", "currency": "KWD", "value": 1.25,
                "refund_id": "rfd_1", "engagement_time_msec": 1,
            },
        }
    ]  # fmt: skip


def test_a_refund_is_validated_and_then_collected(google):  # noqa: F811 - the fixture
    MeasurementProtocol().send_refund(REFUND)

    assert [path for path, _, _ in google.asked] == ["/debug/mp/collect", "/mp/collect"]
    assert google.asked[-1][2] == refund_message(REFUND)


def test_the_file_has_a_line_for_each_refund(client, settings, tmp_path):
    settings.ANALYTICS_PORT = "attribution.analytics.file.FilePort"
    settings.ANALYTICS_FILE = str(tmp_path / "purchases.jsonl")
    refund = given_back(an_order(client), 1000)

    tell_purchases()

    bought, back = map(json.loads, (tmp_path / "purchases.jsonl").read_text().splitlines())
    assert (bought["event"], back["event"]) == ("purchase", "refund")
    assert back["transaction_id"] == bought["transaction_id"]
    assert back["refund_id"] == refund.reference
    assert back["value"] == {"amount": 1000, "currency": "USD"}


def test_the_plan_names_no_refund_twice_even_for_two_sweeps(client, listener):
    order = an_order(client)
    tell_purchases()
    given_back(order)

    assert (refunds.plan(limit=10), refunds.plan(limit=10)) == (1, 0)
