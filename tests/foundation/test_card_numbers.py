"""No card number gets past: found however it is typed, and ordinary identifiers are left alone."""

import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import ids
from foundation.card_numbers import contains_card_number, find, mask, may_contain_card_number

TEST_CARDS = [
    "4242424242424242",
    "4000056655665556",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "2720992593319364",
    "5105105105105100",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "3056930009020004",
    "36227206271667",
    "30569309025904",
    "3566002020360505",
    "6200000000000005",
    "6205500000000000004",
    "6304000000000000",
    "2200000000000053",
]
SCRIPTS = [0x0660, 0x06F0, 0x0966, 0xFF10, 0x1D7CE]


def random_digits(size, *, seed):
    return "".join(random.Random(seed).choices("0123456789", k=size))


@pytest.mark.parametrize("card", TEST_CARDS)
@pytest.mark.parametrize(
    "around", ["{}", "card: {}.", "a{}b", "{} 12/29 123", "1 {}", '"{}"', "\n{}"]
)
def test_a_card_number_is_found_wherever_it_stands(card, around):
    assert contains_card_number(around.format(card))


@given(
    st.sampled_from(TEST_CARDS),
    st.lists(st.sampled_from(["", "", " ", "-"]), min_size=19, max_size=19),
)
def test_a_card_number_is_found_with_spaces_and_dashes_anywhere(card, separators):
    if len(card) > 13:
        typed = "".join(a + b for a, b in zip(card, separators, strict=False)).rstrip(" -")
        assert contains_card_number(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242.4242.4242.4242",
        "3782 822463 10005",
        "4222 222 222 222",
        "4242\u00a04242\u00a04242\u00a04242",
        "4242\u20114242\u20114242\u20114242",
        "4242\u200b4242\u200b4242\u200b4242",
        "4242424242424242.0",
    ],
)
def test_the_usual_ways_of_typing_one_are_known(typed):
    assert contains_card_number(typed)


@pytest.mark.parametrize("zero", SCRIPTS)
def test_digits_of_every_script_count(zero):
    typed = "".join(chr(zero + int(digit)) for digit in "4242424242424242")
    assert contains_card_number(typed)
    assert contains_card_number(f"n° {typed} !")


@given(st.integers(min_value=0, max_value=9), st.integers(min_value=0, max_value=15))
def test_one_wrong_digit_is_no_card(digit, position):
    card = "4242424242424242"
    changed = card[:position] + str(digit) + card[position + 1 :]
    if position > 0:
        assert contains_card_number(changed) == (changed == card)


def test_a_card_within_a_longer_run_of_digits_is_part_of_something_else():
    assert not contains_card_number("4242424242424242" + "00000")
    assert not contains_card_number("99999" + "4242424242424242")


@pytest.mark.parametrize(
    "ordinary",
    [
        "",
        "2026-11-22T10:56:36.123456Z",
        "1795690596000000",
        "+49 151 12345678",
        "+4915112345675",
        "+1 (503) 555-0100",
        "4006381333931",
        "123.456",
        "456789016.1700000000",
        "GA1.2.1234567890.1700000000",
        "fb.1.1558571054389.1098115397",
        "DE89 3704 0044 0532 0130 00",
        "97201-1234",
        "10.0.19.99",
    ],
)
def test_what_people_ordinarily_write_is_left_alone(ordinary):
    assert not contains_card_number(ordinary)
    assert mask(ordinary) == ordinary


def test_no_identifier_of_ours_and_no_uuid_is_taken_for_a_card():
    source = random.Random(20261122)
    for _ in range(20_000):
        number = source.getrandbits(128)
        chosen = uuid.UUID(int=number, version=4)
        assert not contains_card_number(str(chosen))
        assert not contains_card_number(ids.public("ord", chosen))
        assert not contains_card_number(str(ids.new_id()))
    assert not contains_card_number("42424242-4242-4242-4242-424242424242")


def test_few_random_numbers_are_taken_for_cards():
    flagged = sum(contains_card_number(random_digits(16, seed=seed)) for seed in range(20_000))
    assert 0 < flagged < 20_000 * 0.04


def test_masking_keeps_the_first_six_and_the_last_four():
    assert mask("pay 4242-4242-4242-4242 now") == "pay 424242******4242 now"
    assert mask("4000056655665556,378282246310005") == "400005******5556,378282*****0005"


@given(st.sampled_from(TEST_CARDS), st.text(max_size=20), st.text(max_size=20))
def test_masked_text_holds_no_card_any_more(card, before, after):
    assert card not in mask(f"{before}x{card}x{after}")


def test_where_cards_stand_is_told_in_reading_order():
    text = "a 4242424242424242, then 5555 5555 5555 4444"
    assert [text[start:end] for start, end in find(text)] == [
        "4242424242424242",
        "5555 5555 5555 4444",
    ]


@given(st.text(max_size=60))
def test_the_first_look_never_overlooks_a_card(text):
    assert may_contain_card_number(text) or not contains_card_number(text)
