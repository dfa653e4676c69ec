"""Sums are exact: splitting, rounding and reading money never loses or invents a unit."""

import itertools
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.money import (
    EXPONENTS,
    CurrencyMismatch,
    Money,
    UnknownCurrency,
    allocate,
    at_rate,
    exponent,
    major_units,
    minor_units,
    round_half_up,
    within_rate,
)

amounts = st.integers(min_value=-(10**18), max_value=10**18)
weights = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=60).filter(any)
currencies = st.sampled_from(sorted(EXPONENTS))


@given(amounts, weights)
def test_the_parts_of_a_split_add_up_exactly(total, shares):
    assert sum(allocate(total, shares)) == total


@given(amounts, weights)
def test_no_part_is_a_whole_unit_off_its_exact_share(total, shares):
    for part, weight in zip(allocate(total, shares), shares, strict=True):
        assert abs(part - Fraction(total * weight, sum(shares))) < 1


@given(st.integers(min_value=0, max_value=10**18), weights)
def test_a_heavier_weight_never_gets_less(total, shares):
    parts = sorted(zip(shares, allocate(total, shares), strict=True))
    for (light, small), (heavy, large) in itertools.pairwise(parts):
        assert light == heavy or small <= large


def test_the_odd_unit_goes_to_the_earlier_of_equals():
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(-100, [1, 1, 1]) == [-34, -33, -33]
    assert allocate(5, [0, 3, 0, 1]) == [0, 4, 0, 1]


def test_a_split_without_weight_is_refused_unless_there_is_nothing_to_split():
    assert allocate(0, [0, 0]) == [0, 0]
    for total, shares in ((1, [0, 0]), (1, []), (1, [2, -1])):
        with pytest.raises(ValueError):
            allocate(total, shares)


@given(amounts, st.integers(min_value=1, max_value=10**9))
def test_rounding_is_never_more_than_half_a_unit_off(numerator, denominator):
    rounded = round_half_up(numerator, denominator)
    assert abs(rounded - Fraction(numerator, denominator)) <= Fraction(1, 2)
    assert round_half_up(-numerator, denominator) == -rounded


@pytest.mark.parametrize(
    ("amount", "ppm", "tax"),
    [(1999, 88_750, 177), (50, 10_000, 1), (49, 10_000, 0), (-50, 10_000, -1), (10**18, 1, 10**12)],
)
def test_a_half_is_rounded_away_from_zero(amount, ppm, tax):
    assert at_rate(amount, ppm=ppm) == tax


@given(st.integers(min_value=0, max_value=10**15), st.integers(min_value=0, max_value=10**6))
def test_the_tax_inside_a_price_is_that_on_what_is_left(amount, ppm):
    inside = within_rate(amount, ppm=ppm)
    assert 0 <= inside <= amount
    assert abs(at_rate(amount - inside, ppm=ppm) - inside) <= 1


@given(st.integers(min_value=0, max_value=10**15), currencies)
def test_what_is_written_for_people_is_read_back_as_the_same_amount(amount, currency):
    assert minor_units(major_units(amount, currency), currency) == amount


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [("19.99", "USD", 1999), ("500", "JPY", 500), ("1.250", "KWD", 1250), ("3.0", "JPY", 3)],
)
def test_decimal_text_is_read_by_the_currencys_own_decimals(text, currency, amount):
    assert Money.parse(text, currency) == Money(amount, currency)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1e3", "1,5", " 1", "1.", ".5", "19.999", "NaN", "٣", "9" * 19]
)
def test_text_that_is_no_plain_amount_is_refused(text):
    with pytest.raises(ValueError):
        minor_units(text, "USD")


def test_money_is_written_with_groups_and_its_currency():
    assert str(Money(123456789, "USD")) == "1,234,567.89 USD"
    assert str(Money(-5, "KWD")) == "-0.005 KWD"
    assert str(Money(1500, "JPY")) == "1,500 JPY"


@pytest.mark.parametrize("code", ["XXX", "usd", "", "US", "DEM", "BTC"])
def test_an_unknown_currency_is_refused(code):
    with pytest.raises(UnknownCurrency):
        exponent(code)
    with pytest.raises(UnknownCurrency):
        Money(1, code)


def test_the_table_knows_each_kind_of_currency():
    assert [exponent(code) for code in ("JPY", "USD", "EUR", "KWD")] == [0, 2, 2, 3]
    assert Counter(EXPONENTS.values()) == {0: 16, 2: 132, 3: 7}


@pytest.mark.parametrize("amount", [1.0, True, "1", None])
def test_only_an_integer_is_an_amount(amount):
    with pytest.raises(TypeError):
        Money(amount, "USD")


def test_two_currencies_never_meet_in_one_sum():
    assert Money(5, "USD") + Money(7, "USD") == Money(12, "USD")
    assert Money(5, "USD") - Money(7, "USD") == Money(-2, "USD")
    assert Money(5, "USD") * 3 == Money(15, "USD")
    assert Money(5, "USD") < Money(7, "USD")
    assert Money(7, "USD") <= Money(7, "USD")
    for combine in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(CurrencyMismatch):
            combine(Money(5, "USD"), Money(5, "EUR"))
