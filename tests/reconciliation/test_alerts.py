"""What the books leave open is told of when it crosses its limit, once for each crossing."""

import datetime as dt

import pytest

from events.models import OutboxEvent
from foundation import clock
from foundation.metrics import exposition
from foundation.models import Crossing
from reconciliation import alerts, tasks
from reconciliation.models import ReconciliationBreak
from tests.reconciliation.books import BEGIN, END, HOUR, Line, Step, Story, a_report, write


@pytest.fixture(autouse=True)
def _at_noon_of_the_next_day(transactional_db):
    clock.move(END + 12 * HOUR - clock.now())


def told():
    """(rule, account, currency) of each event."""
    rows = OutboxEvent.objects.filter(type="reconciliation.threshold_crossed").order_by("pk")
    return [(r.payload["rule"], r.payload["account"], r.payload["currency"]) for r in rows]


def a_break(amount=100, *, began_at=BEGIN, currency="USD", **facts):
    number = ReconciliationBreak.objects.count()
    return ReconciliationBreak.objects.create(
        account="stripe", kind="amount_mismatch", fingerprint=f"amount_mismatch:{number}",
        amount=amount, currency=currency, began_at=began_at, **facts,
    )  # fmt: skip


def sales(amount):
    write(Story([Step("capture", amount)], [Line("charge", amount)]))


MONEY = ("reconciliation.unreconciled_basis_points", "stripe", "USD")
AGE = ("reconciliation.aged_breaks", "stripe", None)
REPORTS = ("reconciliation.days_without_report", "stripe", None)


def test_money_at_risk_above_its_share_of_the_volume_is_told_once():
    sales(100_000)
    a_break(101)

    alerts.look()
    alerts.look()

    assert told() == [MONEY]
    assert Crossing.objects.get().value == pytest.approx(10.1)


def test_money_within_its_share_of_the_volume_is_not_told():
    sales(100_000)
    a_break(100)

    assert (alerts.look(), told()) == (0, [])


def test_volume_of_another_currency_does_not_cover_what_is_at_risk():
    sales(100_000)
    a_break(100, currency="EUR")

    alerts.look()

    assert told() == [(MONEY[0], "stripe", "EUR")]


def test_a_settled_break_ends_the_alert_and_the_next_day_may_tell_again():
    sales(100_000)
    row = a_break(500)
    alerts.look()
    ReconciliationBreak.objects.filter(pk=row.pk).update(state="resolved", settled_at=clock.now())
    clock.move(24 * HOUR)
    a_report(covers=(BEGIN, clock.now()))
    alerts.look()
    assert not Crossing.objects.filter(ended_at=None).exists()
    a_break(500, began_at=clock.now())

    alerts.look()

    assert told() == [MONEY, MONEY]


def test_a_break_that_nobody_settles_for_a_week_is_told(settings):
    sales(10_000_000)
    a_break(1, began_at=clock.now() - dt.timedelta(days=6, hours=23))
    assert alerts.look() == 0
    clock.move(2 * HOUR)

    alerts.look()

    assert told() == [AGE]


@pytest.mark.parametrize("state", ["resolved", "written_off", "auto_resolved"])
def test_what_was_settled_does_not_age(state):
    sales(10_000_000)
    a_break(1, began_at=clock.now() - 30 * 24 * HOUR, state=state, settled_at=clock.now())

    assert alerts.look() == 0


def test_days_without_a_report_are_told_from_the_second_on():
    sales(100)
    clock.move(15 * HOUR)  # 27 after the report's end, of which the processor has four to bring it
    assert alerts.look() == 0
    clock.move(2 * HOUR)

    alerts.look()
    clock.move(48 * HOUR)
    alerts.look()

    assert told() == [REPORTS]


def test_an_account_that_never_had_a_report_is_told_once_there_are_payments():
    assert alerts.look() == 0
    write(Story([Step("capture", 100)]))
    clock.move(72 * HOUR)

    alerts.look()

    assert told() == [REPORTS]


def test_the_timetable_looks_and_the_gauges_show_it():
    sales(100_000)
    a_break(500)

    tasks.reconcile_days()

    assert MONEY in told()
    shown = exposition().decode()
    assert 'limits_crossed{rule="reconciliation.unreconciled_basis_points"} 1.0' in shown
    assert 'unreconciled_basis_points{account="stripe",currency="USD"} 50.0' in shown
    assert 'reconciliation_last_report_timestamp_seconds{account="stripe"}' in shown
