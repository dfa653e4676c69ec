"""Periodic jobs: once a window, whoever sends them; what was missed is caught up, not skipped."""

import datetime as dt

import pytest
from django.conf import settings

from checkout_project import beat
from checkout_project.celery import app as celery_app
from checkout_project.queues import QUEUES
from foundation import clock, periodic, tasks
from foundation.models import PeriodicRun, QueueHeartbeat
from foundation.periodic import for_each_window, missed_windows, sweep, window_of

pytestmark = pytest.mark.django_db
DAY = 86_400


@pytest.fixture
def ran():
    return []


def days(count):
    clock.move(dt.timedelta(days=count))


def daily(ran, *, most=100, fails_on=()):
    """A job that must run for each day, and fails on some."""

    @for_each_window("daily", seconds=DAY, most=most)
    def job(day):
        if day.date() in fails_on:
            raise RuntimeError("not today")
        ran.append(day.date())

    return job


def today():
    return window_of(clock.now(), DAY).date()


def test_a_sweep_runs_once_in_a_window_and_again_in_the_next(ran):
    job = sweep(lambda: ran.append(True))
    for _ in range(3):
        job(window_seconds=10**6)
    assert len(ran) == 1

    clock.move(dt.timedelta(seconds=10**6))
    job(window_seconds=10**6)
    assert len(ran) == 2


def test_a_sweep_without_a_window_just_runs(ran):
    job = sweep(lambda: ran.append(True))
    job()
    job()

    assert len(ran) == 2
    assert not PeriodicRun.objects.exists()


@pytest.mark.parametrize("seconds", [0.5, 30.0, 86_400.0])
def test_windows_of_any_length_begin_before_their_moment_and_end_after_it(seconds):
    moment = dt.datetime(2026, 3, 29, 1, 59, 59, 700_000, tzinfo=dt.UTC)
    start = window_of(moment, seconds)

    assert start <= moment < start + dt.timedelta(seconds=seconds)


def test_a_day_that_was_missed_is_caught_up_the_oldest_first(ran):
    job, first = daily(ran), today()
    job()
    days(3)
    job()
    job()

    assert ran == [first + dt.timedelta(days=number) for number in range(4)]


def test_a_job_that_never_ran_begins_today():
    assert missed_windows("daily", seconds=DAY, most=10) == [window_of(clock.now(), DAY)]


def test_not_more_is_caught_up_in_one_go_than_it_may(ran):
    job = daily(ran, most=2)
    job()
    days(5)
    job()
    assert len(ran) == 3
    job()
    assert len(ran) == 5


def test_a_day_that_failed_is_not_skipped_because_the_next_would_have_gone_well(ran):
    daily(ran)()
    bad = today() + dt.timedelta(days=1)
    days(2)
    with pytest.raises(RuntimeError):
        daily(ran, fails_on={bad})()
    assert ran == [bad - dt.timedelta(days=1)]

    daily(ran)()
    assert ran[1:] == [bad, bad + dt.timedelta(days=1)]


def test_while_somebody_is_at_a_day_nobody_takes_a_later_one(ran):
    daily(ran)()
    days(2)
    periodic.claim("daily", missed_windows("daily", seconds=DAY, most=1)[0])
    daily(ran)()
    assert len(ran) == 1

    clock.move(dt.timedelta(hours=2))
    daily(ran)()
    assert len(ran) == 3


def test_old_windows_are_forgotten_but_the_one_that_is_counted_from(ran):
    job = daily(ran)
    for _ in range(3):
        job()
        days(1)
    days(30)

    assert periodic.forget(older_than=dt.timedelta(days=7)) == 2
    assert PeriodicRun.objects.count() == 1
    assert len(missed_windows("daily", seconds=DAY, most=100)) == 31


def test_every_job_of_the_timetable_takes_what_beat_sends_it():
    """And is guarded by a window of its own: no two share a name."""
    celery_app.loader.import_default_modules()
    for entry in beat.timetable(30.0).values():
        task = celery_app.tasks[entry["task"]]
        task.__header__(*entry.get("args", ()), **entry.get("kwargs", {}))


def test_each_sweep_that_beat_sends_leaves_a_row_of_its_own(shop, transactional_db):
    celery_app.loader.import_default_modules()
    sent = [entry for entry in beat.timetable(30.0).values() if "kwargs" in entry]
    for _ in range(2):
        for entry in sent:
            celery_app.tasks[entry["task"]](**entry["kwargs"])

    assert set(PeriodicRun.objects.values_list("job", flat=True)) == {e["task"] for e in sent}
    assert PeriodicRun.objects.filter(finished_at=None).count() == 0


def test_a_canary_of_each_queue_is_sent_through_that_queue():
    canaries = [
        (entry["args"][0], entry["options"]["queue"])
        for entry in beat.timetable(30.0).values()
        if entry["task"] == "foundation.tasks.canary"
    ]
    queues = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}

    assert canaries == [(queue, queue) for queue in QUEUES]
    assert queues == set(QUEUES)


def test_a_worker_that_takes_a_canary_says_when():
    tasks.canary("payments")
    first = QueueHeartbeat.objects.get(queue="payments").beat_at
    clock.move(dt.timedelta(seconds=30))
    tasks.canary("payments")

    assert QueueHeartbeat.objects.get(queue="payments").beat_at > first
