"""One cleaner for what browsers say: nothing refuses, nothing odd is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution import cleaning
from attribution.services import snapshot

ODD = st.text("ab %{}[]<>$/?#@:\x00\u2028\ud800é")
PLACEHOLDERS = ["{utm_source}", "{{campaign.name}}", "%CAMPAIGN%", "[[x]]", "<source>", "$x$"]


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_an_unfilled_template_is_noise_and_told_by_name(value):
    assert cleaning.clean({"utm_source": value}) == ({}, ("utm_source",))


@pytest.mark.parametrize("value", ["50%off", "a [new] b", "50% off and 20% more", "summer$ale"])
def test_a_value_that_only_has_such_a_character_in_it_is_kept(value):
    assert cleaning.clean({"utm_campaign": value}) == ({"utm_campaign": value}, ())


def test_values_are_stripped_and_an_empty_one_is_absent():
    assert cleaning.clean({"utm_source": " news ", "utm_medium": "  "}) == (
        {"utm_source": "news"},
        ("utm_medium",),
    )


def test_a_landing_page_loses_its_query_fragment_and_password():
    kept, _ = cleaning.clean({"landing_page": "https://u:p@shop.example/mugs?token=s#x"})

    assert cleaning.path(kept["landing_page"]) == "shop.example/mugs"


@given(st.dictionaries(st.sampled_from(sorted(cleaning.KNOWN)), ODD | st.booleans()))
def test_cleaning_what_is_clean_changes_nothing(told):
    kept, _ = cleaning.clean(told)

    assert cleaning.clean(kept) == (kept, ())


@given(st.dictionaries(st.sampled_from(sorted(cleaning.KNOWN)), ODD.map(lambda t: t * 300)))
def test_whatever_is_told_fits_the_columns(told):
    row = snapshot(told)

    for name in ("source", "medium", "campaign", "term", "content", "campaign_id", "session_id"):
        assert len(getattr(row, name)) <= cleaning.TEXT_MAX
        assert "\x00" not in getattr(row, name)
    assert len(row.landing_page) <= cleaning.URL_MAX
