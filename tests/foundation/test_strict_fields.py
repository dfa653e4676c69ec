"""Nothing is coerced: a value is what it claims to be, or an error says where and why."""

import contextlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.edge.countries import COUNTRIES
from foundation.edge.strict_fields import (
    ERRORS_TOLD,
    CountryCode,
    Currency,
    Email,
    Metadata,
    MoneyField,
    StrictInteger,
    StrictList,
    StrictSerializer,
    StrictString,
    pointers,
)
from foundation.errors import InvalidInput
from foundation.money import Money


class Part(StrictSerializer):
    sku = StrictString(max_length=8, pattern=r"[A-Z]+")
    quantity = StrictInteger(minimum=1, maximum=10)


class Whole(StrictSerializer):
    parts = StrictList(child=Part(), shortest=1, longest=3)
    note = StrictString(max_length=5, blank=True, default="")
    email = Email(required=False)
    currency = Currency(required=False)
    country = CountryCode(required=False)
    price = MoneyField(required=False)
    metadata = Metadata(required=False)


GOOD = {"parts": [{"sku": "A", "quantity": 1}]}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def errors_of(document, serializer=Whole):
    with pytest.raises(InvalidInput) as refused:
        serializer.accept(document)
    return {(error["pointer"], error["code"]) for error in refused.value.errors}


def error_of(**member):
    (error,) = errors_of(GOOD | member)
    return error


def test_what_is_right_comes_back_typed():
    accepted = Whole.accept(GOOD | {"price": {"amount": 5, "currency": "JPY"}, "note": " a "})
    assert accepted["price"] == Money(5, "JPY")
    assert accepted["note"] == " a "
    assert accepted["parts"] == [{"sku": "A", "quantity": 1}]


@pytest.mark.parametrize("document", [None, [], "x", 1, True])
def test_what_is_no_object_is_refused(document):
    ((pointer, code),) = errors_of(document)
    assert (pointer, code) in {("", "not_an_object"), ("", "null")}


def test_everything_wrong_is_told_at_once_each_with_its_place():
    document = {
        "parts": [{"sku": "A", "quantity": 1}, {"sku": "a", "quantity": 0, "price": 1}, 7],
        "note": "123456",
        "extra": 1,
    }
    assert errors_of(document) == {
        ("/parts/1/sku", "wrong_format"),
        ("/parts/1/quantity", "too_small"),
        ("/parts/1/price", "unknown_field"),
        ("/parts/2", "not_an_object"),
        ("/note", "too_long"),
        ("/extra", "unknown_field"),
    }


def test_what_is_missing_is_told():
    assert errors_of({}) == {("/parts", "required")}
    assert errors_of({"parts": [{}]}) == {
        ("/parts/0/sku", "required"),
        ("/parts/0/quantity", "required"),
    }


@pytest.mark.parametrize("value", [True, "1", 1.0, None, [1], {}])
def test_only_an_integer_is_an_integer(value):
    ((pointer, code),) = errors_of({"parts": [{"sku": "A", "quantity": value}]})
    assert pointer == "/parts/0/quantity"
    assert code == ("null" if value is None else "not_an_integer")


@pytest.mark.parametrize(
    ("value", "code"), [(0, "too_small"), (11, "too_large"), (2**70, "too_large")]
)
def test_integers_have_bounds(value, code):
    assert errors_of({"parts": [{"sku": "A", "quantity": value}]}) == {("/parts/0/quantity", code)}


@pytest.mark.parametrize("value", [1, True, None, [], {}, 1.5])
def test_only_text_is_text(value):
    assert error_of(note=value) == ("/note", "null" if value is None else "not_a_string")


@pytest.mark.parametrize("character", ["\x00", "\n", "\x7f", "\x85", "\u2028", "\ud800"])
def test_control_characters_and_half_pairs_are_refused(character):
    assert error_of(note=f"a{character}") == ("/note", "control_character")


def test_blank_text_is_refused_where_text_is_needed():
    for blank in ("", "   "):
        assert errors_of({"parts": [{"sku": blank, "quantity": 1}]}) == {("/parts/0/sku", "blank")}


@pytest.mark.parametrize(
    "value", ["a", "a@", "@b.de", "a b@c.de", "a@b", "a@b.de\n", "x" * 250 + "@b.de"]
)
def test_an_address_without_its_form_is_refused(value):
    assert error_of(email=value)[0] == "/email"


def test_codes_come_from_the_standards():
    assert len(COUNTRIES) == 249
    for value in ("usd", "XXX", "", "US", 840):
        assert error_of(currency=value)[0] == "/currency"
    for value in ("us", "XX", "UK", "EU", "", "USA", 1):
        assert error_of(country=value)[0] == "/country"
    assert Whole.accept(GOOD | {"currency": "KWD", "country": "GB"})["country"] == "GB"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"amount": -1, "currency": "USD"}, ("/price/amount", "too_small")),
        ({"amount": 19.99, "currency": "USD"}, ("/price/amount", "not_an_integer")),
        ({"amount": "1999", "currency": "USD"}, ("/price/amount", "not_an_integer")),
        ({"amount": 2**63, "currency": "USD"}, ("/price/amount", "too_large")),
        ({"amount": 1, "currency": "ABC"}, ("/price/currency", "unknown_currency")),
        ({"amount": 1}, ("/price", "not_money")),
        ({"amount": 1, "currency": "USD", "x": 1}, ("/price", "not_money")),
        (1999, ("/price", "not_money")),
    ],
)
def test_money_is_an_integer_and_a_currency(value, error):
    assert error_of(price=value) == error


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([], ("/metadata", "not_an_object")),
        ({f"k{n}": "" for n in range(51)}, ("/metadata", "too_many")),
        ({"k": 1}, ("/metadata/k", "not_a_string")),
        ({"k": {"deep": "er"}}, ("/metadata/k", "not_a_string")),
        ({"k": "x" * 501}, ("/metadata/k", "too_long")),
        ({"k" * 41: "x"}, ("/metadata/*", "too_long")),
        ({"": "x"}, ("/metadata/*", "blank")),
        ({"k": "a\x00"}, ("/metadata/k", "control_character")),
    ],
)
def test_metadata_is_a_few_short_texts(value, error):
    assert error_of(metadata=value) == error


def test_metadata_at_its_limits_is_accepted():
    most = {f"{n:040}": "x" * 500 for n in range(50)}
    assert Whole.accept(GOOD | {"metadata": most})["metadata"] == most


def test_a_list_is_measured_before_its_items_are_read():
    assert errors_of({"parts": []}) == {("/parts", "wrong_length")}
    assert errors_of({"parts": [7] * 10_000}) == {("/parts", "wrong_length")}
    assert errors_of({"parts": {"0": {}}}) == {("/parts", "not_a_list")}


def test_at_most_a_hundred_errors_are_told():
    assert len(errors_of(GOOD | {f"k{n}": n for n in range(5_000)})) == ERRORS_TOLD


def test_errors_never_repeat_a_key_that_is_no_name():
    assert errors_of(GOOD | {"4242 4242 4242 4242": 1}) == {("/*", "unknown_field")}


@given(anything)
def test_no_document_whatsoever_raises_anything_but_invalid_input(document):
    for attempt in (
        document,
        {"parts": document},
        GOOD | {"metadata": document, "price": document},
    ):
        with contextlib.suppress(InvalidInput):
            Whole.accept(attempt)


def test_the_ordinary_way_of_serializers_gives_the_same_errors():
    serializer = Whole(data={"parts": [{"sku": "a", "quantity": 1}], "extra": 1})
    assert not serializer.is_valid()
    told = {(error["pointer"], error["code"]) for error in pointers(serializer.errors)}
    assert told == {("/parts/0/sku", "wrong_format"), ("/extra", "unknown_field")}


def test_one_shared_instance_serves_many_threads():
    results = []

    def read(number):
        for _ in range(50):
            accepted = Whole.accept({"parts": [{"sku": "A", "quantity": number}]})
            results.append(accepted["parts"][0]["quantity"] == number)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 400
