"""When a delivery is tried again."""

import datetime as dt

import pytest

from events.schedule import asked_for, pause

SCHEDULE = [5.0, 300.0]
NOW = dt.datetime(2026, 11, 29, 12, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(("tries", "least"), [(1, 5.0), (2, 300.0)])
def test_each_failure_waits_its_time_and_up_to_a_tenth_more(tries, least):
    waits = [pause(SCHEDULE, tries=tries, asked=0, most=60) for _ in range(200)]

    assert min(waits) >= least
    assert max(waits) <= least * 1.1
    assert len(set(waits)) > 50, "what failed together comes back together"


def test_after_the_last_one_there_is_no_more():
    assert pause(SCHEDULE, tries=3, asked=0, most=60) is None


def test_what_the_receiver_asks_for_is_waited_within_reason():
    assert pause(SCHEDULE, tries=1, asked=50, most=60) == 50
    assert pause(SCHEDULE, tries=1, asked=1e9, most=60) == 60


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0), (" 7 ", 7.0), ("9" * 400, 999_999_999.0), ("-1", 0.0), ("", 0.0),
        ("soon", 0.0), ("Sun, 29 Nov 2026 12:02:00 GMT", 120.0),
        ("Sun, 29 Nov 2026 11:00:00 GMT", 0.0), ("٣", 0.0), ("1.5", 0.0),
        ("Sun, 29 Nov 99999999999999999999 12:02:00 GMT", 0.0),
        ("Sun, 29 Nov 2026 12:02:00 +99999999999999999999", 0.0),
        ("Sun, 29 Nov 2026 12:02:00", 0.0), ("Sun, 29 Nov 0000 12:02:00 GMT", 0.0),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_a_date_and_is_else_nothing(text, seconds):
    assert asked_for(text, now=NOW) == seconds
