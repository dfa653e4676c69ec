"""Fraud and tax asked of somebody else: over a socket, outside transactions, and once silent."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation import clock, ids
from foundation.models import IdempotencyKey
from orders import reviews
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, Order, Reservation, TaxRate
from tests import builders
from tests.invariants.test_rules import broken
from tests.stories import outside, world

SOON = 0.3  # seconds a provider that says nothing is listened to


@pytest.fixture
def fraud_outside(settings):
    settings.FRAUD_PROVIDER, settings.FRAUD_SECONDS = "tests.stories.outside.OutsideFraud", SOON
    outside.ASKED.clear()


@pytest.fixture
def tax_outside(settings):
    settings.TAX_PROVIDER, settings.TAX_SECONDS = "tests.stories.outside.OutsideTax", SOON
    outside.ASKED.clear()


def requests_of(shop):
    """What the processor was asked about the only checkout there is."""
    return shop.requests(ids.public("pay", Checkout.objects.get().payment_uuid))


def commits(queries):
    return [query for query in queries if query["sql"].startswith("COMMIT")]


def test_a_fraud_provider_that_accepts_costs_one_commit_and_is_asked_once(api, fraud_outside):
    with outside.provider("fraud", {"outcome": "accept"}), CaptureQueriesContext(connection) as sql:
        reply = api.checkout()

    assert reply.status_code == 201
    assert outside.ASKED == ["fraud"]
    assert len(commits(sql.captured_queries)) == 3
    assert Checkout.objects.get().risk_outcome == "accept"
    assert broken() == set()


def test_a_fraud_provider_that_rejects_ends_it_before_anything_is_held(api, shop, fraud_outside):
    key, body = builders.a_key(), builders.a_purchase()
    with outside.provider("fraud", {"outcome": "reject"}):
        reply = api.checkout(body, key=key)

    assert (reply.status_code, reply.json()["code"]) == (422, "risk_declined")
    assert api.checkout(body, key=key).content == reply.content
    assert not Reservation.objects.exists()
    assert requests_of(shop) == []


@pytest.mark.parametrize("answer", [None, {"nonsense": 1}])
def test_a_fraud_provider_that_is_silent_means_review(api, shop, fraud_outside, answer):
    with outside.provider("fraud", answer):
        reply = api.checkout()

    assert (reply.status_code, reply.json()["status"]) == (202, "in_review")
    checkout = Checkout.objects.get()
    assert checkout.risk["reasons"][0]["code"] == "provider_silent"
    assert len(shop.holds(checkout.payment.reference)) == 1

    reviews.decide(checkout.pk, approved=True, by="staff:ana", reason="known customer")
    assert Order.objects.exists()


def test_a_tax_provider_quotes_what_the_card_is_asked_for(api, shop, tax_outside):
    with outside.provider("tax", {"ppm": 100_000}):
        reply = api.checkout()

    assert reply.status_code == 201
    order = Order.objects.get()
    assert (order.subtotal_amount, order.tax_amount, order.total_amount) == (3998, 399, 4697)
    (hold,) = shop.effects(order.payment.reference, "authorization")
    assert hold["amount"] == 4697
    assert broken() == set()


@pytest.mark.parametrize("answer", [None, {"nonsense": 1}, {"ppm": 100_000, "off_by": 1}])
def test_a_tax_provider_that_is_silent_holds_nothing_and_the_same_key_goes_on(
    api, shop, tax_outside, answer
):
    key, body = builders.a_key(), builders.a_purchase()
    with outside.provider("tax", answer, {"ppm": 0}):
        reply = api.checkout(body, key=key)
        assert (reply.status_code, reply.json()["code"]) == (503, "tax_unavailable")
        assert (reply.json()["charge_state"], reply["Retry-After"]) == ("not_charged", "5")
        assert not Reservation.objects.exists()
        assert requests_of(shop) == []
        assert broken() == set()

        assert api.checkout(body, key=key).status_code == 201


def test_a_sale_whose_tax_nobody_says_is_undone_in_time(api, shop, tax_outside):
    key, body = builders.a_key(), builders.a_purchase()
    with outside.provider("tax"):
        assert api.checkout(body, key=key).status_code == 503
        clock.move(dt.timedelta(minutes=16))
        recover_checkouts(limit=5)

    assert Checkout.objects.get().state == "expired"
    assert api.checkout(body, key=key).json()["code"] == "checkout_expired"
    assert requests_of(shop) == []
    assert broken() == set()


def test_without_the_client_a_sale_goes_on_once_its_tax_is_said(api, tax_outside):
    with outside.provider("tax", None, {"ppm": 0}):
        assert api.checkout().status_code == 503
        recover_checkouts(limit=5)

    assert Order.objects.exists()


def test_a_runner_that_dies_while_it_asks_is_followed_by_one_that_asks_again(
    api, fraud_outside, tax_outside, monkeypatch
):
    def fatal(question):
        raise world.ProcessDied

    with monkeypatch.context() as patched:
        patched.setattr(outside.providers, "ask", fatal)
        with pytest.raises(world.ProcessDied):
            api.checkout()
    assert Checkout.objects.get().state == "started"
    assert broken() == set()

    with outside.provider("fraud", {"outcome": "accept"}), outside.provider("tax", {"ppm": 0}):
        world.later()
        recover_checkouts(limit=5)

    assert Order.objects.exists()
    assert outside.ASKED == ["fraud", "tax"]


def test_what_is_not_sold_is_refused_before_anybody_is_asked(api, fraud_outside):
    body = builders.a_purchase(shipping_method="by_dove")
    with outside.provider("fraud", {"outcome": "accept"}):
        assert api.checkout(body).status_code == 422
        TaxRate.objects.all().delete()
        assert api.checkout().json()["code"] == "destination_not_served"

    assert outside.ASKED == []
    assert not IdempotencyKey.objects.exists()


def test_rates_that_vanish_while_others_are_asked_end_it_with_a_clear_no(
    api, shop, fraud_outside, monkeypatch
):
    real = outside.providers.ask

    def meanwhile(question):
        TaxRate.objects.all().delete()
        return real(question)

    monkeypatch.setattr(outside.providers, "ask", meanwhile)
    key, body = builders.a_key(), builders.a_purchase()
    with outside.provider("fraud", {"outcome": "accept"}):
        reply = api.checkout(body, key=key)

    assert (reply.status_code, reply.json()["code"]) == (409, "no_longer_sold")
    assert api.checkout(body, key=key).content == reply.content
    assert requests_of(shop) == []
