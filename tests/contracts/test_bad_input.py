"""Bad input gets a clear 4xx problem that says what to do; nothing is stored, never a 500."""

import json
import logging

import pytest

from foundation.models import IdempotencyKey
from orders.models import Checkout
from tests import builders

PAN = "4242424242424242"


def assert_refused(reply, *statuses):
    assert reply.status_code in statuses, (reply.status_code, reply.content)
    assert reply["Content-Type"] == "application/problem+json"
    problem = reply.json()
    assert problem["status"] == reply.status_code
    assert problem["code"]
    assert problem["detail"]
    assert problem["type"].endswith(problem["code"])
    assert problem["request_id"] == reply["Request-Id"]
    assert problem["retry_with"] in ("same_key", "new_key", "none")
    assert not Checkout.objects.exists()
    assert not IdempotencyKey.objects.exists()


BROKEN_BODIES = {
    "empty": b"",
    "broken": b'{"cart_id": ',
    "not json": b"hello",
    "a list": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "deep": b"[" * 30_000 + b"]" * 30_000,
    "deep objects": b'{"a":' * 9_000 + b"1" + b"}" * 9_000,
    "duplicate keys": b'{"cart_id": "a", "cart_id": "b"}',
    "nan": b'{"cart_id": NaN}',
    "infinity": b'{"cart_id": -Infinity}',
    "invalid utf-8": b'{"cart_id": "\xff\xfe"}',
    "utf-16": '{"cart_id": "x"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "five thousand digits": b'{"cart_id": ' + b"9" * 5_000 + b"}",
    "trailing rubbish": b"{} {}",
}


@pytest.mark.parametrize("name", BROKEN_BODIES)
def test_a_body_that_is_not_one_json_object_is_refused(api, name):
    reply = api.checkout(raw=BROKEN_BODIES[name])

    assert_refused(reply, 400, 413, 422)


def test_a_hundred_thousand_levels_are_refused(api):
    assert_refused(api.checkout(raw=b"[" * 100_000 + b"]" * 100_000), 413)


def test_a_body_over_the_limit_is_refused(api):
    body = builders.a_purchase(metadata={"note": "x" * 70_000})

    assert_refused(api.checkout(body), 413)


def with_line(**line):
    return {"lines": [{"sku": "MUG-BLUE", "quantity": 1} | line]}


WRONG_FIELDS = {
    "nul in a string": {"cart_id": "a\u0000b"},
    "nul in a key": {"metadata": {"a\u0000": "b"}},
    "lone surrogate": {"cart_id": "a\ud800b"},
    "lone surrogate in metadata": {"metadata": {"k": "\udfff"}},
    "huge integer": with_line(quantity=2**63),
    "enormous quantity": with_line(quantity=10_001),
    "zero quantity": with_line(quantity=0),
    "negative quantity": with_line(quantity=-1),
    "quantity as text": with_line(quantity="1"),
    "quantity as float": with_line(quantity=1.0),
    "quantity as boolean": with_line(quantity=True),
    "unknown sku": with_line(sku="NO-SUCH-THING"),
    "no lines": {"lines": []},
    "too many lines": {"lines": [{"sku": f"S-{n}", "quantity": 1} for n in range(101)]},
    "lines as object": {"lines": {"sku": "MUG-BLUE", "quantity": 1}},
    "unknown currency": {"currency": "XXQ"},
    "known currency without a price": {"currency": "EUR"},
    "lower-case currency": {"currency": "usd"},
    "float money": {"expected_total": {"amount": 42.98, "currency": "USD"}},
    "money as text": {"expected_total": {"amount": "4298", "currency": "USD"}},
    "negative money": {"expected_total": {"amount": -1, "currency": "USD"}},
    "huge money": {"expected_total": {"amount": 10**30, "currency": "USD"}},
    "unknown field": {"price": 1},
    "unknown field inside": with_line(price=1),
    "no payment method": {"payment_method": ""},
    "not a payment method": {"payment_method": "card_123"},
    "e-mail without at": {"customer": {"reference": "c", "email": "nobody"}},
    "customer as text": {"customer": "cus_1"},
    "unknown country": {
        "shipping_address": {"line1": "x", "city": "y", "country": "ZZ", "postal_code": "1"}
    },
    "destination not served": {
        "shipping_address": {"line1": "x", "city": "y", "country": "FR", "postal_code": "1"}
    },
    "unknown shipping method": {"shipping_method": "teleport"},
    "metadata as list": {"metadata": ["a"]},
    "metadata value not text": {"metadata": {"a": 1}},
    "too much metadata": {"metadata": {f"k{n}": "v" for n in range(51)}},
    "long cart id": {"cart_id": "c" * 300},
    "null cart id": {"cart_id": None},
}


@pytest.mark.parametrize("name", WRONG_FIELDS)
def test_a_field_that_will_not_do_is_named_and_nothing_is_stored(api, name):
    reply = api.checkout(builders.a_purchase(**WRONG_FIELDS[name]))

    assert_refused(reply, 400, 422)


def test_every_wrong_field_is_told_at_once_with_its_place(api):
    reply = api.checkout(
        builders.a_purchase(cart_id=7, lines=[{"sku": "MUG-BLUE", "quantity": "two"}])
    )

    assert_refused(reply, 422)
    assert {e["pointer"] for e in reply.json()["errors"]} == {"/cart_id", "/lines/0/quantity"}


def test_a_wrong_body_leaves_its_key_usable(api):
    key = builders.a_key()
    assert api.checkout(builders.a_purchase(**with_line(quantity=0)), key=key).status_code == 422

    assert api.checkout(builders.a_purchase(), key=key).status_code == 201


CARDS = {
    "as payment method": {"payment_method": PAN},
    "with spaces": {"metadata": {"note": "4242 4242 4242 4242"}},
    "with dashes": {"metadata": {"note": "card 4242-4242-4242-4242 please"}},
    "as a key": {"metadata": {PAN: "x"}},
    "as a number": {"cart_id": int(PAN)},
    "in the attribution": {"attribution": {"utm_source": PAN}},
    "in the address": {
        "shipping_address": {
            "line1": PAN, "city": "Portland", "region": "OR", "postal_code": "9", "country": "US",
        }
    },
}  # fmt: skip


@pytest.mark.parametrize("place", CARDS)
def test_a_card_number_anywhere_is_refused_and_never_logged(api, place, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        reply = api.checkout(builders.a_purchase(**CARDS[place]))

    assert_refused(reply, 422)
    assert reply.json()["code"] == "card_number_refused"
    said = caplog.text + "".join(capfd.readouterr()) + reply.content.decode()
    assert PAN not in said.replace(" ", "").replace("-", "")


def test_a_card_number_hidden_in_escapes_is_found(api):
    hidden = "".join(f"\\u{ord(digit):04x}" for digit in PAN)
    raw = json.dumps(builders.a_purchase()).replace('"web"', f'"{hidden}"').encode()

    assert_refused(api.checkout(raw=raw), 422)


BAD_KEYS = {
    "blank": "   ",
    "empty": "",
    "short": "abc",
    "fifteen": "k" * 15,
    "long": "k" * 256,
    "not ascii": "schlüssel-schlüssel",
    "control character": "key-with-tab\tinside-it",
    "e-mail": "somebody.somewhere@example.com",
    "list": '"key-number-one-1","key-number-two-2"',
    "a header sent twice": "key-number-one-16,key-number-one-16",
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_key_that_is_no_key_is_refused(api, name):
    assert_refused(api.checkout(builders.a_purchase(), key=BAD_KEYS[name]), 400)


def test_a_missing_key_is_refused_and_said_to_be_missing(api):
    reply = api.post("/v1/checkouts", builders.a_purchase())

    assert_refused(reply, 400)
    assert reply.json()["code"] == "idempotency_key_missing"


def test_a_quoted_key_and_the_bare_one_are_the_same_key(api):
    key, body = builders.a_key(), builders.a_purchase()
    first = api.checkout(body, key=f'"{key}"')

    assert api.checkout(body, key=key).content == first.content


@pytest.mark.parametrize("length", [16, 255])
def test_keys_of_sixteen_to_255_characters_are_accepted(api, length):
    assert api.checkout(key="k" * length).status_code == 201


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(api):
    key, body = builders.a_key(), builders.a_purchase()
    first = api.checkout(body, key=key)

    other = api.checkout(body | {"metadata": {"channel": "app"}}, key=key)

    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_key_reused"
    assert api.checkout(body, key=key).content == first.content


def test_spacing_and_the_order_of_fields_are_not_another_body(api):
    key, body = builders.a_key(), builders.a_purchase()
    first = api.checkout(body, key=key)
    shuffled = json.dumps(dict(reversed(body.items())), indent=3).encode()

    assert api.checkout(raw=shuffled, key=key).content == first.content


def test_another_clients_same_key_is_another_request(api, another_api):
    key, body = builders.a_key(), builders.a_purchase()

    mine, theirs = api.checkout(body, key=key), another_api.checkout(body, key=key)

    assert mine.status_code == theirs.status_code == 201
    assert mine.json()["order"]["id"] != theirs.json()["order"]["id"]


@pytest.mark.parametrize(
    ("content_type", "status"), [("text/plain", 415), ("application/xml", 415)]
)
def test_another_content_type_is_refused(api, content_type, status):
    assert_refused(api.checkout(content_type=content_type), status)


def test_a_method_that_is_not_offered_is_405_with_allow(api):
    reply = api.get("/v1/checkouts")

    assert reply.status_code == 405
    reply = api.client.put("/v1/checkouts", headers={"Authorization": f"Bearer {api.key}"})
    assert reply.status_code == 405
    assert "POST" in reply["Allow"]


def test_an_unknown_path_is_a_problem_too(api):
    reply = api.get("/v1/nothing")

    assert reply.status_code == 404
    assert reply["Content-Type"] == "application/problem+json"
