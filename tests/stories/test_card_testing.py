"""Somebody tries out stolen cards: soon nobody is asked any more, and nothing says why."""

import pytest

from orders.models import Checkout
from payments.models import Payment
from tests import builders


@pytest.fixture
def strict(settings):
    """Three declines within the window, and it is over."""
    declines = ("customer_declines", "email_declines", "ip_declines", "card_declines")
    settings.RISK_LIMITS = settings.RISK_LIMITS | dict.fromkeys(declines, (3, 3))
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]


def tried(api, *, address="8.8.8.8", decline=True, **changes):
    method = builders.decline() if decline else f"pm_card_visa__{builders.a_key()[-12:]}"
    method = method.replace("-", "")
    body = builders.a_purchase(payment_method=method, **changes)
    return api.checkout(body, **{"X-Forwarded-For": address})


def assert_refused_without_asking(api, shop, **changes):
    asked = len(shop.requests())
    reply = tried(api, decline=False, **changes)

    assert reply.status_code == 422
    assert reply.json()["code"] == "risk_declined"
    assert "_declines" not in reply.content.decode()
    assert len(shop.requests()) == asked
    reasons = Checkout.objects.latest("started_at").risk["reasons"]
    assert any(reason["code"].endswith("_declines_velocity") for reason in reasons)


def test_from_one_address_with_ever_other_cards_and_customers(api, shop, strict):
    assert [tried(api).status_code for _ in range(3)] == [402, 402, 402]

    assert_refused_without_asking(api, shop)
    assert tried(api, address="9.9.9.9", decline=False).status_code == 201


def test_as_one_customer_from_ever_other_addresses(api, shop, strict):
    customer = {"reference": "cus_tester", "email": "t@example.com"}
    for number in range(3):
        other = {"reference": customer["reference"], "email": f"t{number}@example.com"}
        assert tried(api, address=f"8.8.{number}.8", customer=other).status_code == 402

    assert_refused_without_asking(api, shop, address="9.9.9.9", customer=customer)


def test_with_one_card_for_ever_other_customers(api, shop, strict):
    card = builders.decline()
    bodies = [builders.a_purchase(payment_method=card) for _ in range(4)]
    replies = [
        api.checkout(body, **{"X-Forwarded-For": f"8.8.{number}.8"})
        for number, body in enumerate(bodies)
    ]

    assert [reply.status_code for reply in replies] == [402, 402, 402, 422]
    assert Payment.objects.filter(state="declined").count() == 3


def test_orders_that_went_well_do_not_count(api, shop, strict):
    for _ in range(4):
        assert tried(api, decline=False).status_code == 201


def test_an_hour_later_it_is_forgotten(api, shop, strict, settings):
    settings.RISK_WINDOW_SECONDS = 0
    assert [tried(api).status_code for _ in range(4)] == [402] * 4
