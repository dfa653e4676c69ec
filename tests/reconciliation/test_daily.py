"""Days are compared when they are over, each in its turn; a failed one is tried again."""

import datetime as dt

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core.management import CommandError, call_command

from foundation import clock
from reconciliation import daily, runs, tasks
from reconciliation.models import ReconciliationRun
from tests.reconciliation.books import BEGIN, DAY, END, HOUR, Line, Story, a_report, write
from tests.stories.world import elsewhere


@pytest.fixture(autouse=True)
def _at_noon_of_the_next_day(transactional_db):
    clock.move(END + 12 * HOUR - clock.now())


def days():
    completed = ReconciliationRun.objects.filter(state="completed").order_by("day")
    return [day.isoformat() for day in completed.values_list("day", flat=True)]


def go(days):
    clock.move(dt.timedelta(days=days))


def test_the_day_before_is_compared_by_the_timetable():
    a_report()

    tasks.reconcile_days()

    assert days() == ["2026-03-10"]


def test_a_day_is_not_compared_before_the_processors_books_can_be_there(settings):
    settings.RECONCILIATION_LAG_SECONDS = 13 * 3600.0

    assert daily.due_days("stripe") == [DAY - dt.timedelta(days=1)]


def test_days_that_were_missed_are_caught_up_with_the_oldest_first():
    a_report(covers=(BEGIN, END + 10 * 24 * HOUR))
    daily.reconcile_due()
    go(3)

    assert daily.reconcile_due() == 3

    assert days() == ["2026-03-10", "2026-03-11", "2026-03-12", "2026-03-13"]
    assert daily.due_days("stripe") == []


def test_a_day_that_somebody_passed_over_by_hand_is_compared_all_the_same():
    a_report(covers=(BEGIN, END + 10 * 24 * HOUR))
    daily.reconcile_due()
    go(3)
    runs.reconcile(account="stripe", day=DAY + dt.timedelta(days=3), by="staff:ana")

    assert daily.reconcile_due() == 2
    assert days() == ["2026-03-10", "2026-03-11", "2026-03-12", "2026-03-13"]
    assert daily.due_days("stripe") == []


def test_a_day_that_was_passed_over_and_fails_holds_up_nobody():
    a_report()
    daily.reconcile_due()
    a_report(covers=(END + 24 * HOUR, END + 9 * 24 * HOUR))  # the day between was never told
    go(2)
    runs.reconcile(account="stripe", day=DAY + dt.timedelta(days=2), by="staff:ana")
    go(1)

    assert daily.reconcile_due() == 1
    assert days() == ["2026-03-10", "2026-03-12", "2026-03-13"]


def test_a_failed_day_holds_up_the_later_ones_and_is_tried_again_after_a_while():
    a_report()
    daily.reconcile_due()
    a_report(covers=(END + 24 * HOUR, END + 48 * HOUR))  # the day between was never told
    go(2)

    assert daily.reconcile_due() == 0
    assert daily.due_days("stripe") == []
    a_report(covers=(END, END + 24 * HOUR))
    clock.move(dt.timedelta(hours=5))

    assert daily.reconcile_due() == 2
    assert days() == ["2026-03-10", "2026-03-11", "2026-03-12"]


TWO = {"anotherbank": {"time_zone": "UTC"}, "stripe": {"time_zone": "UTC"}}


def failing_for(account, error, real):
    def reconcile(**asked):
        if asked["account"] == account:
            raise error
        return real(**asked)

    return reconcile


def test_an_account_that_is_tripped_over_does_not_keep_the_others_from_being_compared(
    settings, monkeypatch, caplog
):
    settings.RECONCILIATION_ACCOUNTS = TWO
    a_report()
    broken = failing_for("anotherbank", ZeroDivisionError("tripped"), runs.reconcile)
    monkeypatch.setattr(runs, "reconcile", broken)

    assert daily.reconcile_due() == 1

    assert days() == ["2026-03-10"]
    assert "anotherbank was not compared" in caplog.text


def test_when_the_time_is_over_no_other_account_is_begun(settings, monkeypatch):
    settings.RECONCILIATION_ACCOUNTS = TWO
    a_report()
    slow = failing_for("anotherbank", SoftTimeLimitExceeded(), runs.reconcile)
    monkeypatch.setattr(runs, "reconcile", slow)

    with pytest.raises(SoftTimeLimitExceeded):
        daily.reconcile_due()

    assert days() == []


def test_run_by_hand_it_says_what_differs(capsys):
    write(Story(theirs=[Line("charge", 4298)], is_known=False))

    call_command("reconcile", "--day", "2026-03-10")

    told = capsys.readouterr().out
    assert "0 of 1 payments are even, judging the others ..." in told
    assert "0 of 1 payments match (version 1)" in told
    assert "orphan_capture" in told
    assert "42.98 USD" in told


@pytest.mark.parametrize(
    ("day", "why"), [("2026-03-10", "No report tells of"), ("2026-03-11", "ends at")]
)
def test_run_by_hand_it_ends_badly_when_a_day_can_not_be_compared(day, why):
    with pytest.raises(CommandError, match=why):
        call_command("reconcile", "--day", day)


def test_a_run_that_was_taken_for_dead_writes_nothing(monkeypatch):
    write(Story(theirs=[Line("charge", 4298)], is_known=False))
    real = runs._carry_forward

    def bury():
        ReconciliationRun.objects.update(state="failed", finished_at=clock.now())

    def overtaken(window):
        elsewhere(bury)
        real(window)

    monkeypatch.setattr(runs, "_carry_forward", overtaken)

    assert runs.reconcile(account="stripe", day=DAY, by="test").state == "failed"
    assert days() == []
