"""Credit is a pure function of the journey, and never a cent more or less than the order."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution import credit
from attribution.credit import MODELS, Touch

START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
SOURCES = ("unknown", "direct", "(direct)", "newsletter", "google")


def a_journey(*sources):
    return [
        Touch(START + dt.timedelta(days=nth), source=source) for nth, source in enumerate(sources)
    ]


journeys = st.lists(st.sampled_from(SOURCES), max_size=12).map(lambda names: a_journey(*names))
totals = st.integers(min_value=0, max_value=10**12)


@pytest.mark.parametrize("model", MODELS)
@given(journey=journeys, total=totals)
def test_the_credits_of_every_model_add_up_to_the_order(model, journey, total):
    given_to = MODELS[model](journey, total)

    assert sum(each.amount for each in given_to) == (total if journey else 0)
    assert all(each.touch in journey for each in given_to)


@pytest.mark.parametrize("model", MODELS)
@given(journey=journeys, total=totals)
def test_the_same_journey_gives_the_same_credit_again(model, journey, total):
    assert MODELS[model](list(journey), total) == MODELS[model](tuple(journey), total)


@given(journey=journeys.filter(bool), total=totals)
def test_linear_shares_differ_by_one_unit_at_most_and_the_earlier_is_never_less(journey, total):
    shares = [each.amount for each in credit.linear(journey, total)]

    assert max(shares) - min(shares) <= 1
    assert shares == sorted(shares, reverse=True)


@given(journey=journeys.filter(bool), total=totals)
def test_last_non_direct_prefers_whoever_is_known_and_not_direct(journey, total):
    (given_to,) = credit.last_non_direct(journey, total)

    told = [t for t in journey if t.source not in ("unknown", "direct", "(direct)")]
    assert given_to.touch == (told or journey)[-1]


def test_each_model_has_its_own_idea():
    journey = a_journey("google", "newsletter", "direct")

    def sources(model):
        return [(each.touch.source, each.amount) for each in MODELS[model](journey, 1000)]

    assert sources("first_touch") == [("google", 1000)]
    assert sources("last_touch") == [("direct", 1000)]
    assert sources("last_non_direct") == [("newsletter", 1000)]
    assert sources("linear") == [("google", 334), ("newsletter", 333), ("direct", 333)]


def test_an_unknown_visit_is_not_taken_for_a_direct_one():
    assert not Touch(START).is_direct
    assert not Touch(START).is_known
