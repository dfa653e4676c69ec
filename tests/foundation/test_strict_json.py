"""Every unacceptable body gets a clear 4xx that says where, and never repeats what was sent."""

import contextlib
import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.edge.strict_json import (
    BodyTooLarge,
    CardNumberRefused,
    StrictJSONParser,
    parse,
    refuse_card_numbers,
)
from foundation.errors import MalformedRequest

LIMIT = 10_000_000
CARD = "4242424242424242"
names = st.text("abcdefgh_", min_size=1, max_size=8)
plain_text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | plain_text
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


def refusal_of(raw, **limits):
    with pytest.raises(MalformedRequest) as refused:
        parse(raw, **({"max_bytes": LIMIT} | limits))
    return refused.value


def pointer_of(raw, **limits):
    refusal = refusal_of(raw, **limits)
    return refusal.errors[0]["pointer"], refusal.errors[0]["code"]


@given(documents, st.booleans())
def test_what_is_acceptable_is_read_as_it_was_written(document, escaped):
    raw = json.dumps(document, ensure_ascii=escaped).encode()
    assert parse(raw, max_bytes=LIMIT) == document


@given(st.binary(max_size=80))
def test_no_bytes_whatsoever_raise_anything_but_a_refusal(raw):
    with contextlib.suppress(MalformedRequest):
        parse(raw, max_bytes=LIMIT)


@pytest.mark.parametrize("raw", [b"", b"  \n\t "])
def test_an_empty_body_is_refused(raw):
    assert "empty" in refusal_of(raw).detail


@pytest.mark.parametrize(
    ("raw", "offset"),
    [(b'{"a": 1,}', 8), (b"{'a': 1}", 1), (b'{"\xc3\xa9": tru}', 7), (b"[1] x", 4), (b'"\x00"', 1)],
)
def test_what_is_no_json_is_located_by_byte(raw, offset):
    assert refusal_of(raw).detail.endswith(f"at byte {offset}.")


def test_other_encodings_and_byte_order_marks_are_refused():
    assert "byte order mark" in refusal_of(b"\xef\xbb\xbf{}").detail
    assert "not UTF-8 at byte 2" in refusal_of('["é"]'.encode("latin-1")).detail
    assert refusal_of('{"a": 1}'.encode("utf-16")).status == 400
    assert refusal_of(b'["\xed\xa0\x80"]').detail == "The body is not UTF-8 at byte 2."


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'{"a": 1, "a": 1}', ""),
        (b'{"lines": [{}, {"sku": "x", "sku": "y"}]}', "/lines/1"),
        (b'{"a": 1, "\\u0061": 2}', ""),
    ],
)
def test_a_key_named_twice_is_refused(raw, pointer):
    assert pointer_of(raw) == (pointer, "duplicate_key")


@pytest.mark.parametrize(
    "number",
    ["NaN", "Infinity", "-Infinity", "1e400", "-1e999", str(2**63), str(-(2**63) - 1), "9" * 5_000],
)
def test_numbers_that_cannot_be_stored_are_refused(number):
    assert pointer_of(f'{{"a": [0, {number}]}}'.encode()) == ("/a/1", "number_out_of_range")


def test_the_largest_integers_that_can_be_stored_are_read():
    bounds = [2**63 - 1, -(2**63)]
    assert parse(json.dumps(bounds).encode(), max_bytes=LIMIT) == bounds


def test_a_number_of_a_million_digits_is_refused_at_once():
    started = time.perf_counter()
    refusal_of(b"[" + b"9" * 1_000_000 + b"]")
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "x\\udfffx", "\\udc00\\ud800"])
def test_characters_that_cannot_be_stored_are_refused_in_keys_and_in_values(escape):
    assert pointer_of(f'{{"a": ["{escape}"]}}'.encode()) == ("/a/0", "unstorable_character")
    assert pointer_of(f'{{"a": {{"{escape}": 1}}}}'.encode()) == ("/a", "unstorable_character")


def test_an_escaped_pair_of_surrogates_is_one_good_character():
    assert parse(b'["\\ud83d\\ude00", "\\\\u0000"]', max_bytes=LIMIT) == ["😀", "\\u0000"]


@pytest.mark.parametrize("unit", [b"[", b'{"a":', b'[{"a":', b"[" * 3 + b"1,"])
def test_a_hundred_thousand_levels_are_refused_and_nothing_falls_over(unit):
    assert refusal_of(unit * 100_000).status == 400
    assert "deep" in refusal_of(b"[" * 100_000 + b"]" * 100_000).detail


def test_depth_is_allowed_up_to_the_limit():
    assert parse(b"[" * 20 + b"1" + b"]" * 20, max_bytes=LIMIT)
    assert pointer_of(b"[" * 21 + b"1" + b"]" * 21) == ("/0" * 20 + "/0", "nested_too_deeply")
    assert pointer_of(b'{"a": [[1]]}', max_depth=2) == ("/a/0/0", "nested_too_deeply")


def test_a_body_over_the_limit_is_too_large():
    assert parse(b"[1, 2]", max_bytes=6) == [1, 2]
    with pytest.raises(BodyTooLarge) as refused:
        parse(b"[1, 2] ", max_bytes=6)
    assert (refused.value.status, refused.value.code) == (413, "body_too_large")


def test_a_refusal_never_repeats_what_was_sent():
    secret = "hunter2hunter2"
    for raw in (
        f'{{"{secret}": 1, "{secret}": 2}}',
        f'{{"card {CARD}": {{"x": NaN}}}}',
        f'["{secret}", {secret}]',
        f'{{"pin{CARD}": {"9" * 30}}}',
    ):
        refusal = refusal_of(raw.encode())
        said = f"{refusal.detail} {refusal.errors}"
        assert secret not in said
        assert CARD not in said


def parser_reads(raw, settings, limit=65_536):
    settings.API_BODY_BYTES_MAX = limit
    return StrictJSONParser().parse(io.BytesIO(raw))


def test_the_api_parser_reads_an_ordinary_body(settings):
    assert parser_reads(b'{"a": [1, "\xc3\xa9", 1.5]}', settings) == {"a": [1, "é", 1.5]}


def test_the_api_parser_stops_reading_at_the_limit(settings):
    settings.API_BODY_BYTES_MAX = 100
    stream = io.BytesIO(b" " * 1_000_000)
    with pytest.raises(BodyTooLarge):
        StrictJSONParser().parse(stream)
    assert stream.tell() == 101


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"metadata": {"note": f"my card is {CARD}, thanks"}}, "/metadata/note"),
        ({"lines": [{"sku": CARD}]}, "/lines/0/sku"),
        ({"metadata": {CARD: "x"}}, "/metadata"),
        ({"number": int(CARD)}, "/number"),
        ({"number": float(CARD)}, "/number"),
        (CARD, ""),
        (["4242 4242 4242 4242"], "/0"),
        (["٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"], "/0"),
    ],
)
def test_a_card_number_anywhere_in_a_body_is_refused_and_not_repeated(document, pointer, settings):
    for escaped in (True, False):
        with pytest.raises(CardNumberRefused) as refused:
            parser_reads(json.dumps(document, ensure_ascii=escaped).encode(), settings)
        refusal = refused.value
        assert (refusal.status, refusal.code) == (422, "card_number_refused")
        assert "payment method token" in refusal.detail
        assert refusal.errors[0]["pointer"] == pointer
        assert CARD not in f"{refusal} {refusal.errors}"


def test_an_escaped_card_number_is_a_card_number(settings):
    escaped = "".join(f"\\u{ord(digit):04x}" for digit in CARD)
    with pytest.raises(CardNumberRefused):
        parser_reads(f'["{escaped}"]'.encode(), settings)


def test_numbers_that_are_no_cards_pass(settings):
    document = {"at": 1795690596000000, "amount": 4298, "id": "4242424242424241"}
    assert parser_reads(json.dumps(document).encode(), settings) == document
    refuse_card_numbers(document)
