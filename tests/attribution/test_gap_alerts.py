"""A day whose gap is far above that of the days before it is told of, and so is over-reporting."""

import pytest

from attribution.gap import alerts, versions
from attribution.tasks import measure_gap
from events.models import OutboxEvent
from foundation import clock
from foundation.models import Crossing
from tests.attribution.orders import a_conversion, counted, days_ago, orders


@pytest.fixture(autouse=True)
def _few_orders_will_do(settings):
    settings.GAP_ALERT_ORDERS_MIN = 10


def a_day(client, days, *, missing, extra=0, count=10):
    """So many orders, some of which analytics did not count, and sales that nobody made."""
    at = days_ago(days)
    for order in orders(client, [{"at": at}] * count)[missing:]:
        counted(order)
    for nth in range(extra):
        a_conversion(client.pk, f"GHOST-{days}-{nth}", at=at)


def look():
    versions.restate(clock.now())
    return alerts.look(clock.now())


def told():
    rows = OutboxEvent.objects.filter(type="attribution.gap_alerted").order_by("pk")
    return [(row.payload["rule"], row.payload["currency"]) for row in rows]


def test_a_gap_that_rises_above_that_of_the_days_before_is_told_once(client):
    for days in (3, 2):
        a_day(client, days, missing=1)
    a_day(client, 1, missing=3)

    look()
    look()

    assert told() == [(alerts.RISE, "USD")]
    row = Crossing.objects.get()
    assert row.value == pytest.approx(0.2)
    assert row.day == days_ago(1).date()
    assert row.subject == f"{client.pk} USD"


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_gap_as_on_other_days_or_a_little_more_is_not_told(client, missing):
    a_day(client, 2, missing=1)
    a_day(client, 1, missing=missing)

    assert (look(), told()) == (0, [])


def test_sales_that_nobody_made_are_told_even_without_days_before(client):
    a_day(client, 1, missing=0, extra=1)

    look()

    assert told() == [(alerts.OVER_REPORT, "USD")]


def test_a_large_gap_on_the_very_first_day_has_nothing_to_be_compared_with(client):
    a_day(client, 1, missing=9)

    assert look() == 0


def test_a_day_of_few_orders_says_nothing(client):
    a_day(client, 2, missing=0)
    a_day(client, 1, missing=9, extra=9, count=9)

    assert look() == 0


def test_days_before_with_few_orders_are_nothing_to_be_compared_with(client):
    a_day(client, 2, missing=0, count=9)
    a_day(client, 1, missing=9)

    assert look() == 0


def test_the_timetable_looks(client):
    a_day(client, 1, missing=0, extra=1)
    a_day(client, 2, missing=0)

    measure_gap()

    assert alerts.OVER_REPORT in {rule for rule, _ in told()}
