"""What analytics counted against what was bought: every order and every conversion once."""

import datetime as dt

import pytest

from attribution.gap.measuring import measure
from foundation import clock
from orders.models import Order
from tests import builders
from tests.attribution.orders import a_conversion, an_order, counted, days_ago
from tests.conftest import Api

PATH = "/v1/reports/attribution-gap"


def report(caller, **query):
    reply = caller.get(PATH, **query)
    assert reply.status_code == 200, reply.content
    return reply.json()


def only(told):
    (item,) = told["totals"]
    return item


def usd(amount):
    return {"amount": amount, "currency": "USD"}


def counts(causes):
    return {cause: found["count"] for cause, found in causes.items() if found["count"]}


@pytest.fixture
def a_day(client):
    """Ten orders: five seen as they are, and each thing that can go wrong once."""
    for _ in range(5):
        counted(an_order(client))
    counted(an_order(client), amount=3998)
    an_order(client, consent="denied", client_id="")
    an_order(client, client_id="")
    an_order(client)
    counted(an_order(client), times=3)
    counted(an_order(client, metadata={"test": "true"}))
    an_order(client, metadata={"test": "true"})
    counted(an_order(client, state="canceled", captured=0))
    a_conversion(client.pk, "R999", amount=100)
    a_conversion(client.pk, "T1", amount=100, is_test=True)


def test_every_order_and_conversion_ends_in_one_outcome_with_its_cause(caller, a_day):
    told = only(report(caller))

    assert (told["orders"], told["matched"]) == (10, 7)
    assert counts(told["missing"]) == {"consent_denied": 1, "no_client_id": 1, "unknown": 1}
    assert counts(told["extra"]) == {"refunded": 1, "test_traffic": 2, "unknown": 1}
    assert counts(told["differing"]) == {"value_differs": 1}
    assert told["duplicates"] == {"count": 2, "value": usd(2 * 4298)}


def test_the_gaps_are_shares_of_the_orders(caller, a_day):
    told = only(report(caller))

    assert told["count_gap"] == 0.3
    assert told["order_value"] == usd(42_980)
    assert told["analytics_value"] == usd(6 * 4298 + 3998)
    assert told["value_gap"] == round(1 - (6 * 4298 + 3998) / 42_980, 6)
    assert told["over_report"] == 0.4
    assert told["coverage"] == 1.0


def test_analytics_may_have_counted_too_much_and_the_gap_is_signed(caller, client):
    counted(an_order(client), amount=8596)

    told = only(report(caller))

    assert (told["count_gap"], told["value_gap"]) == (0.0, -1.0)


def test_of_nothing_no_share_is_told(caller, client):
    assert report(caller)["totals"] == []

    a_conversion(client.pk, "R999")

    told = only(report(caller))
    assert (told["count_gap"], told["value_gap"], told["over_report"]) == (None, None, None)
    assert counts(told["extra"]) == {"unknown": 1}


def test_the_financial_base_is_named(caller, client):
    counted(an_order(client, refunded=1000))
    counted(an_order(client, captured=0))
    counted(an_order(client, refunded=4298))

    placed = only(report(caller, base="placed"))
    captured = only(report(caller, base="captured"))
    net = only(report(caller, base="net_of_refunds"))

    assert (placed["orders"], captured["orders"], net["orders"]) == (3, 2, 1)
    assert counts(captured["extra"]) == {"not_captured": 1}
    assert counts(net["extra"]) == {"not_captured": 1, "refunded": 1}
    assert counts(net["differing"]) == {"refunded": 1}
    assert net["order_value"] == usd(3298)


def test_each_currency_is_counted_by_itself(caller, client):
    counted(an_order(client))
    counted(an_order(client, currency="JPY", total=500))
    counted(an_order(client), currency="EUR")

    by_currency = {told["currency"]: told for told in report(caller)["totals"]}

    assert by_currency["JPY"]["order_value"] == {"amount": 500, "currency": "JPY"}
    assert by_currency["USD"]["orders"] == 2
    assert counts(by_currency["USD"]["differing"]) == {"value_differs": 1}
    assert by_currency["USD"]["analytics_value"] == usd(4298)


def test_a_value_net_of_tax_and_shipping_is_made_whole_first(caller, client, settings):
    settings.CONVERSION_VALUE = "net"
    counted(an_order(client), amount=3000, tax_amount=998, shipping_amount=300)

    assert counts(only(report(caller))["differing"]) == {}


def test_it_is_told_by_whatever_is_asked_for(caller, client):
    counted(an_order(client, campaign="spring"))
    an_order(client, brand="amex", source="unknown", medium="unknown")

    told = report(caller, group_by="channel,campaign,payment_method")

    groups = [(i["channel"], i["campaign"], i["payment_method"]) for i in told["items"]]
    assert groups == [
        ("newsletter / email", "spring", "visa"),
        ("unknown / unknown", "unknown", "amex"),
    ]
    assert [item["coverage"] for item in told["items"]] == [1.0, 0.0]


def test_a_conversion_belongs_to_the_day_of_its_order(caller, client):
    counted(an_order(client, at=days_ago(1, hour=23)), at=days_ago(0, hour=0))
    a_conversion(client.pk, "R999", at=days_ago(0, hour=0))

    days = {item["day"]: item for item in report(caller)["items"]}

    yesterday, today = (days_ago(n).date().isoformat() for n in (1, 0))
    assert days[yesterday]["count_gap"] == 0.0
    assert counts(days[yesterday]["extra"]) == {}
    assert counts(days[today]["extra"]) == {"unknown": 1}


def test_a_conversion_of_an_earlier_day_is_not_extra_today(caller, client):
    counted(an_order(client, at=days_ago(2)), at=days_ago(0, hour=0))
    today = clock.now().date().isoformat()

    assert report(caller, **{"from": today, "to": today})["items"] == []


def test_days_are_those_of_the_reports_time_zone_also_when_clocks_are_changed(client, settings):
    settings.REPORT_TIME_ZONE = "America/New_York"
    midnight = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    # A day of 25 hours there: from 04:00 to 05:00 of the next day, in UTC.
    for hours, name in ((3.5, "before"), (4.5, "first"), (28.5, "last"), (29.5, "after")):
        an_order(client, at=midnight + dt.timedelta(hours=hours), campaign=name)

    (figures,) = measure(midnight.date(), midnight.date(), base="placed").values()

    assert {figure.campaign for figure in figures} == {"first", "last"}


def test_nobody_sees_the_gap_of_another_client(caller, client):
    other, key = builders.a_client()
    counted(an_order(client))
    a_conversion(other.pk, Order.objects.get().public_number)

    theirs = only(report(Api(key)))
    _, all_seeing = builders.a_client(sees_all=True)

    assert (theirs["orders"], counts(theirs["extra"])) == (0, {"unknown": 1})
    assert only(report(caller))["matched"] == 1
    assert only(report(Api(all_seeing)))["orders"] == 1


BAD = [
    {"from": "yesterday"}, {"from": "2026-02-30"}, {"to": "20261124"}, {"to": "9999-12-31"},
    {"from": "2026-11-02", "to": "2026-11-01"}, {"from": "2026-01-01", "to": "2026-11-01"},
    {"base": "all"}, {"group_by": "day,day"}, {"group_by": "sku"}, {"form": "2026-11-01"},
    {"from": "\x00"}, {"from": "\uff12026-11-01"},
]  # fmt: skip


@pytest.mark.parametrize("query", BAD, ids=str)
def test_a_question_that_has_no_answer_is_refused(caller, query):
    reply = caller.get(PATH, **query)

    assert reply.status_code == 422, reply.content
    assert reply.json()["errors"]


def test_only_a_key_for_reports_may_ask(transactional_db):
    _, buyer = builders.a_client(scopes=["checkout", "orders:read"])

    assert Api(buyer).get(PATH).status_code == 403
