"""A day is measured again while late news may come, then it is frozen; every version stays."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attribution.gap import versions
from attribution.models import GapFigure, GapVersion
from attribution.tasks import measure_gap
from foundation import clock
from foundation.metrics import exposition
from foundation.models import PeriodicRun
from tests.attribution.orders import an_order, counted, days_ago
from tests.attribution.test_gap import counts, only, report


def a_day_later():
    clock.move(dt.timedelta(days=1))


def of(day, base="placed"):
    rows = GapVersion.objects.filter(day=day, base=base).order_by("version")
    return [(row.version, row.frozen_at is not None) for row in rows]


@pytest.fixture
def yesterday(client):
    """One order that analytics has not seen, yesterday."""
    order = an_order(client, at=days_ago(1))
    return order, order.placed_at.date()


def test_a_day_is_measured_once_it_has_ended_on_every_base(client, yesterday):
    an_order(client)

    assert versions.restate(clock.now()) == 3
    assert {row.day for row in GapVersion.objects.all()} == {yesterday[1]}
    assert {row.base for row in GapVersion.objects.all()} == {
        "placed",
        "captured",
        "net_of_refunds",
    }


def test_measured_again_without_news_nothing_is_added(client, yesterday):
    versions.restate(clock.now())
    figures = GapFigure.objects.count()

    assert versions.restate(clock.now()) == 0
    assert GapFigure.objects.count() == figures


def test_late_news_make_a_new_version_and_the_old_one_stays(caller, client, yesterday):
    order, day = yesterday
    versions.restate(clock.now())
    counted(order)
    stored = {"from": day.isoformat(), "to": day.isoformat()}
    assert only(report(caller, **stored))["matched"] == 0
    a_day_later()

    versions.restate(clock.now())

    assert of(day) == [(1, False), (2, False)]
    assert only(report(caller, **stored))["matched"] == 1
    assert report(caller, **stored)["versions"][0]["version"] == 2
    assert GapFigure.objects.filter(version__version=1, outcome="missing").exists()


def test_after_three_days_of_restating_a_day_is_frozen_and_stays_as_it_is(
    caller, client, yesterday
):
    order, day = yesterday
    for _ in range(3):
        versions.restate(clock.now())
        a_day_later()
    assert of(day) == [(1, False)]
    versions.restate(clock.now())
    assert of(day) == [(1, True)]

    counted(order)
    versions.restate(clock.now())

    assert of(day) == [(1, True)]
    told = report(caller, **{"from": day.isoformat(), "to": day.isoformat()})
    assert counts(only(told)["missing"]) == {"unknown": 1}
    assert told["versions"][0]["frozen_at"]


def test_a_day_that_is_stored_is_not_measured_again_for_a_report(caller, client, yesterday):
    day = yesterday[1].isoformat()
    versions.restate(clock.now())

    with CaptureQueriesContext(connection) as asked:
        report(caller, **{"from": day, "to": day})

    assert not any("FULL OUTER JOIN" in query["sql"] for query in asked.captured_queries)


def test_days_that_missed_runs_left_open_are_measured_and_frozen_late(client, yesterday):
    versions.restate(clock.now())
    clock.move(dt.timedelta(days=20))

    versions.restate(clock.now())

    assert of(yesterday[1]) == [(1, True)]


def test_the_job_runs_once_for_each_day(client, yesterday):
    measure_gap()
    measure_gap()

    assert PeriodicRun.objects.get().job == "measure_attribution_gap"
    assert of(yesterday[1]) == [(1, False)]


def test_the_newest_day_is_measured_for_whoever_watches(client, yesterday):
    versions.restate(clock.now())

    told = exposition().decode()

    assert 'attribution_gap_count{base="placed",cause="unknown",outcome="missing"} 1.0' in told
