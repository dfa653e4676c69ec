"""A reason goes on record: it is something that others can read."""

import pytest

from foundation.desk.confirm import ReasonForm


def is_taken(reason):
    return ReasonForm({"reason": reason, "token": "t"}).is_valid()


@pytest.mark.parametrize(
    "reason",
    [
        "",
        " ",
        "\u200b",
        "...",
        "a\x00b",
        "a\x1bb",
        "a\x07b",
        "fine \u202edesufer",
        "\u2066x",
        "a" * 501,
    ],
)
def test_what_nobody_can_read_is_no_reason(reason):
    assert not is_taken(reason)


@pytest.mark.parametrize(
    "reason",
    [
        "x",
        "two\nlines",
        "two\r\nlines\tand more",
        "退款",
        "می‌خواهد",
        "👩‍👧 asked for it",
        "a" * 500,
    ],
)
def test_what_people_write_is_one(reason):
    assert is_taken(reason)
