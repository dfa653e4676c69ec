"""Analytics is told of each purchase whose shopper agreed: at least once, in time, or given up."""

import datetime as dt
import json

import pytest

from attribution import analytics, purchases
from attribution.analytics.base import Refused, Unavailable
from attribution.models import PurchaseSending
from attribution.tasks import tell_purchases
from foundation import clock
from foundation.transactions import refuse_inside_transaction
from tests.attribution.orders import an_order, counted
from tests.attribution.test_gap import counts, only, report


class Listener:
    """Analytics in memory: keeps what it is told, or does what it is asked to do instead."""

    def __init__(self):
        self.heard, self.mood = [], None

    def send(self, purchase):
        refuse_inside_transaction()
        if self.mood is not None:
            raise self.mood
        self.heard.append(purchase)

    def send_refund(self, refund):
        self.send(refund)


@pytest.fixture
def listener(monkeypatch):
    there = Listener()
    monkeypatch.setattr(analytics, "port", lambda: there)
    return there


def later(**time):
    clock.move(dt.timedelta(**time))


def test_each_purchase_is_told_once_with_its_number_and_parts(client, listener):
    order = an_order(client, client_id="123.456", session_id="77")

    tell_purchases()
    tell_purchases()

    (heard,) = listener.heard
    assert heard.number == order.public_number
    assert (heard.total.amount, heard.total.currency) == (4298, "USD")
    assert (heard.browser_id, heard.session_id) == ("123.456", "77")
    row = PurchaseSending.objects.get()
    assert row.sent_at is not None
    assert not row.is_late


WHO_IS_NOT_TOLD_OF = {
    "who refused": {"consent": "denied", "client_id": ""},
    "who was never asked": {"consent": "unknown"},
    "whose browser has no id": {"client_id": ""},
    "a test": {"metadata": {"test": "true"}},
    "a canceled order": {"state": "canceled"},
    "an order of last week": {"at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)},
}


@pytest.mark.parametrize("name", WHO_IS_NOT_TOLD_OF)
def test_of_some_purchases_analytics_is_told_nothing(client, listener, name):
    an_order(client, **WHO_IS_NOT_TOLD_OF[name])

    assert purchases.tell(limit=10) == 0
    assert not PurchaseSending.objects.exists()


def test_without_a_port_nothing_is_planned_or_sent(client):
    an_order(client)

    assert purchases.tell(limit=10) == 0
    assert not PurchaseSending.objects.exists()


def test_analytics_that_does_not_answer_is_told_again_later(client, listener):
    an_order(client)
    listener.mood = Unavailable("no answer")
    purchases.tell(limit=10)
    listener.mood = None

    assert purchases.tell(limit=10) == 0
    later(seconds=31)
    assert purchases.tell(limit=10) == 1
    assert PurchaseSending.objects.get().attempts == 2


def test_one_told_after_a_day_is_late_and_the_gap_says_so(caller, client, listener):
    order = an_order(client)
    listener.mood = Unavailable("no answer")
    purchases.tell(limit=10)
    listener.mood = None
    later(hours=25)
    purchases.tell(limit=10)

    assert PurchaseSending.objects.get().is_late
    day = order.placed_at.date().isoformat()
    told = report(caller, **{"from": day, "to": day})
    assert counts(only(told)["missing"]) == {"sent_late": 1}


def test_one_that_is_refused_is_given_up_and_the_gap_says_so(caller, client, listener):
    order = an_order(client)
    listener.mood = Refused("VALUE_INVALID")
    purchases.tell(limit=10)
    listener.mood = None
    later(hours=2)
    purchases.tell(limit=10)

    row = PurchaseSending.objects.get()
    assert (row.last_error, row.attempts, row.sent_at) == ("VALUE_INVALID", 1, None)
    assert counts(only(report(caller))["missing"]) == {"send_failed": 1}
    counted(order)
    assert only(report(caller))["matched"] == 1


def test_after_three_days_of_silence_it_is_given_up(client, listener):
    an_order(client)
    listener.mood = Unavailable("no answer")
    purchases.tell(limit=10)
    later(hours=73)

    purchases.tell(limit=10)

    row = PurchaseSending.objects.get()
    assert row.failed_at is not None
    assert (row.attempts, row.last_error) == (2, "no answer")


def test_a_worker_that_died_while_sending_is_followed_by_another(client, listener):
    an_order(client)
    listener.mood = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        purchases.tell(limit=10)
    listener.mood = None

    assert purchases.tell(limit=10) == 0
    later(seconds=61)
    assert purchases.tell(limit=10) == 1


def test_who_was_overtaken_writes_nothing_down(client, listener, monkeypatch):
    an_order(client)

    def slow(purchase):
        if not listener.heard:
            listener.heard.append(purchase)
            later(seconds=61)
            assert purchases.tell(limit=10) == 1
            raise Refused("by a slow first one")
        listener.heard.append(purchase)

    monkeypatch.setattr(listener, "send", slow)
    purchases.tell(limit=10)

    row = PurchaseSending.objects.get()
    assert (row.attempts, row.failed_at) == (2, None)
    assert row.sent_at is not None


def test_the_file_has_a_line_for_each_purchase(client, settings, tmp_path):
    settings.ANALYTICS_PORT = "attribution.analytics.file.FilePort"
    settings.ANALYTICS_FILE = str(tmp_path / "purchases.jsonl")
    order = an_order(client)

    assert purchases.tell(limit=10) == 1

    told = json.loads((tmp_path / "purchases.jsonl").read_text())
    assert told["transaction_id"] == order.public_number
    assert told["value"] == {"amount": 4298, "currency": "USD"}


def test_a_file_that_can_not_be_written_is_tried_again(client, settings, tmp_path):
    settings.ANALYTICS_PORT = "attribution.analytics.file.FilePort"
    settings.ANALYTICS_FILE = str(tmp_path)
    an_order(client)

    assert purchases.tell(limit=10) == 0
    assert PurchaseSending.objects.get().last_error == "not written: IsADirectoryError"
