"""Waiting doubles, and stops doubling."""

from foundation.backoff import doubling


def test_each_wait_is_twice_the_last_until_the_limit():
    assert [doubling(5, times=n, most=60) for n in range(6)] == [5, 10, 20, 40, 60, 60]


def test_no_number_of_tries_is_too_large():
    assert doubling(5, times=10**9, most=86_400) == 86_400
