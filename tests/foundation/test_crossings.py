"""A number that crosses its limit is told of once, until it is back below; at most once a day."""

import datetime as dt
import threading

import pytest
from django.db import connection, transaction

from foundation import clock
from foundation.crossings import Reading, settle
from foundation.models import Crossing

pytestmark = pytest.mark.django_db(transaction=True)

MONDAY = dt.date(2026, 3, 9)
TUESDAY, WEDNESDAY = (MONDAY + dt.timedelta(days=nth) for nth in (1, 2))


def read(day, **values):
    """The subjects of which somebody is to be told; the limit is 10."""
    with transaction.atomic():
        found = settle("too_much", [Reading(n, v, 10) for n, v in values.items()], day=day)
    return [row.subject for row in found]


def over():
    return set(Crossing.objects.filter(ended_at=None).values_list("subject", flat=True))


def test_what_is_at_its_limit_has_not_crossed_it():
    assert read(MONDAY, a=10, b=10.1) == ["b"]
    assert over() == {"b"}


def test_a_crossing_that_lasts_is_told_once_and_shows_its_newest_value():
    assert read(MONDAY, a=11) == ["a"]
    assert read(MONDAY, a=12) == []
    assert read(TUESDAY, a=13) == []

    row = Crossing.objects.get()
    assert (row.day, row.value, row.most) == (MONDAY, 13, 10)


def test_one_that_is_back_below_has_ended_and_the_next_is_told_again():
    read(MONDAY, a=11)
    assert read(TUESDAY, a=9) == []
    assert over() == set()

    assert read(WEDNESDAY, a=11) == ["a"]
    assert Crossing.objects.count() == 2


def test_one_that_comes_and_goes_is_told_once_a_day():
    read(MONDAY, a=11)
    read(MONDAY, a=9)

    assert read(MONDAY, a=11) == []
    assert over() == {"a"}


def test_what_is_not_read_any_more_has_ended():
    read(MONDAY, a=11, b=11)

    assert read(TUESDAY, b=11) == []
    assert over() == {"b"}


def test_the_crossings_of_another_rule_are_left_alone():
    Crossing.objects.create(
        rule="other", subject="a", day=MONDAY, value=2, most=1, began_at=clock.now()
    )

    assert read(MONDAY, a=9) == []
    assert over() == {"a"}


def test_of_two_that_read_at_once_one_tells():
    told, both = [], threading.Barrier(2)

    def look():
        both.wait()
        told.extend(read(MONDAY, a=11))
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told == ["a"]
