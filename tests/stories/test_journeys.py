"""What led to an order: across browsers by the customer's name, and nobody else's visits."""

import datetime as dt

import pytest

from attribution.models import Touchpoint
from foundation import clock
from tests import builders


@pytest.fixture
def visit(api):
    """A visit so many days ago."""

    def told(source, *, days, **facts):
        at = (clock.now() - dt.timedelta(days=days)).isoformat()
        body = {"utm_source": source, "occurred_at": at, "consent": True} | facts
        reply = api.post("/v1/touchpoints", body, key=builders.a_key())
        assert reply.status_code == 201, reply.content

    return told


def buy(api, **attribution):
    body = builders.a_purchase(
        customer={"reference": "cus_42", "email": "a@example.com"}, attribution=attribution
    )
    return api.checkout(body).json()["order"]["id"]


def journey_of(api, order):
    reply = api.get(f"/v1/orders/{order}/attribution")
    assert reply.status_code == 200, reply.content
    return reply.json()


def sources(told):
    return [touch["source"] for touch in told["touches"]]


def test_visits_of_all_browsers_of_a_customer_lead_to_the_order(api, visit):
    visit("google", days=9, client_id="phone")
    visit("letter", days=5, client_id="phone", customer_reference="cus_42")
    visit("ads", days=3, client_id="laptop")
    order = buy(api, utm_source="direct", client_id="laptop")

    told = journey_of(api, order)

    assert sources(told) == ["google", "letter", "ads", "direct"]
    credit = told["credit"]
    assert [c["source"] for c in credit["first_touch"]] == ["google"]
    assert [c["source"] for c in credit["last_touch"]] == ["direct"]
    assert [c["source"] for c in credit["last_non_direct"]] == ["ads"]
    assert [c["amount"]["amount"] for c in credit["linear"]] == [1075, 1075, 1074, 1074]
    assert told["model_version"] == 1


def test_visits_that_name_somebody_else_on_the_same_browser_are_not_theirs(api, visit):
    visit("letter", days=5, client_id="laptop", customer_reference="cus_43")
    order = buy(api, utm_source="ads", client_id="laptop")

    assert sources(journey_of(api, order)) == ["ads"]


def test_what_was_told_by_another_client_is_not_ours(api, another_api, visit):
    body = {"utm_source": "theirs", "customer_reference": "cus_42"}
    another_api.post("/v1/touchpoints", body, key=builders.a_key())
    order = buy(api, utm_source="ads")

    assert sources(journey_of(api, order)) == ["ads"]
    assert another_api.get(f"/v1/orders/{order}/attribution").status_code == 404


def test_visits_too_long_ago_and_those_after_the_order_led_to_nothing(api, visit, settings):
    visit("ancient", days=91, customer_reference="cus_42")
    order = buy(api, utm_source="ads")
    Touchpoint.objects.create(
        client_id=Touchpoint.objects.get().client_id, customer_reference="cus_42",
        source="later", occurred_at=clock.now() + dt.timedelta(minutes=1),
    )  # fmt: skip

    assert sources(journey_of(api, order)) == ["ads"]


def test_the_visit_that_bought_is_counted_once(api, visit):
    visit("google", days=0, session_id="s_1", client_id="laptop")

    known = buy(api, utm_source="google", session_id="s_1", client_id="laptop")
    unknown = buy(api, session_id="s_1", client_id="laptop")

    assert sources(journey_of(api, known)) == ["google"]
    assert sources(journey_of(api, unknown)) == ["google"]


def test_who_refused_consent_is_not_followed_back(api, visit):
    visit("google", days=1, customer_reference="cus_42")
    order = buy(api, utm_source="ads", consent=False)

    assert sources(journey_of(api, order)) == ["ads"]


def test_nothing_known_is_one_unknown_touch(api):
    order = buy(api)

    assert sources(journey_of(api, order)) == ["unknown"]
