"""Only what can be bought, stored and charged gets through; attribution never stops a sale."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import InvalidInput
from foundation.money import Money
from orders.serializers.checkout_request import Address, CheckoutRequest, Customer, LineIntent

BODY = {
    "cart_id": "cart_8731",
    "customer": {"reference": "cus_42", "email": "a@example.com"},
    "currency": "USD",
    "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
    "shipping_method": "standard",
    "shipping_address": {
        "line1": "1 Main St",
        "city": "Portland",
        "region": "OR",
        "postal_code": "97201",
        "country": "US",
    },
    "billing_address": None,
    "payment_method": "pm_card_visa",
    "expected_total": {"amount": 4298, "currency": "USD"},
    "attribution": {
        "utm_source": "newsletter",
        "utm_medium": "email",
        "utm_campaign": "spring",
        "session_id": "s_1",
        "client_id": "123.456",
        "gclid": None,
        "consent": True,
    },
    "metadata": {"channel": "web"},
}
SHIP_TO = BODY["shipping_address"]
TOO_MANY = [{"sku": f"S{n}", "quantity": 1} for n in range(101)]
REQUIRED = set(BODY) - {"billing_address", "expected_total", "attribution", "metadata"}


def body(**changes):
    return copy.deepcopy(BODY) | changes


def errors_of(document):
    with pytest.raises(InvalidInput) as refused:
        CheckoutRequest.accept(document)
    assert (refused.value.status, refused.value.code) == (422, "invalid_request")
    return {(error["pointer"], error["code"]) for error in refused.value.errors}


def test_the_documented_body_becomes_an_intent():
    intent = CheckoutRequest.accept(body())
    assert intent.customer == Customer(reference="cus_42", email="a@example.com")
    assert intent.lines == (LineIntent("MUG-BLUE", 2),)
    assert intent.shipping_address == Address("1 Main St", "Portland", "US", "OR", "97201")
    assert intent.billing_address is None
    assert intent.expected_total == Money(4298, "USD")
    assert intent.attribution == {
        key: value for key, value in BODY["attribution"].items() if value is not None
    }
    assert intent.attribution_dropped == ()
    assert intent.metadata == {"channel": "web"}


def test_an_intent_can_be_written_as_json():
    written = json.loads(json.dumps(CheckoutRequest.accept(body()).as_json()))
    assert written["lines"] == BODY["lines"]
    assert written["expected_total"] == BODY["expected_total"]
    assert written["shipping_address"]["region"] == "OR"


def test_only_the_necessary_is_necessary():
    intent = CheckoutRequest.accept({name: BODY[name] for name in REQUIRED})
    assert intent.expected_total is None
    assert (intent.attribution, intent.metadata) == ({}, {})
    assert errors_of({}) == {(f"/{name}", "required") for name in REQUIRED}


def test_the_same_sku_on_two_lines_is_summed_and_lines_are_in_sku_order():
    lines = [("B", 1), ("A", 2), ("B", 4)]
    intent = CheckoutRequest.accept(
        body(lines=[{"sku": sku, "quantity": quantity} for sku, quantity in lines])
    )
    assert intent.lines == (LineIntent("A", 2), LineIntent("B", 5))


def test_a_sku_summed_over_its_lines_has_the_same_limit_as_one_line():
    lines = [
        {"sku": "A", "quantity": 9_999},
        {"sku": "B", "quantity": 1},
        {"sku": "A", "quantity": 2},
    ]
    assert errors_of(body(lines=lines)) == {("/lines/2/quantity", "too_large")}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"lines": []}, ("/lines", "wrong_length")),
        ({"lines": TOO_MANY}, ("/lines", "wrong_length")),
        ({"lines": [{"sku": "A", "quantity": 0}]}, ("/lines/0/quantity", "too_small")),
        ({"lines": [{"sku": "A", "quantity": -3}]}, ("/lines/0/quantity", "too_small")),
        ({"lines": [{"sku": "A", "quantity": 10_001}]}, ("/lines/0/quantity", "too_large")),
        ({"lines": [{"sku": "A", "quantity": 2**80}]}, ("/lines/0/quantity", "too_large")),
        ({"lines": [{"sku": "A", "quantity": 1.5}]}, ("/lines/0/quantity", "not_an_integer")),
        ({"lines": [{"sku": "a b", "quantity": 1}]}, ("/lines/0/sku", "wrong_format")),
        ({"lines": [{"sku": "A" * 65, "quantity": 1}]}, ("/lines/0/sku", "too_long")),
        ({"lines": [{"sku": "A", "quantity": 1, "price": 1}]}, ("/lines/0/price", "unknown_field")),
        ({"currency": "XYZ"}, ("/currency", "unknown_currency")),
        ({"payment_method": "card_visa"}, ("/payment_method", "wrong_format")),
        ({"payment_method": "pm_"}, ("/payment_method", "wrong_format")),
        ({"payment_method": "pm_card visa"}, ("/payment_method", "wrong_format")),
        ({"shipping_method": "Über"}, ("/shipping_method", "wrong_format")),
        ({"cart_id": ""}, ("/cart_id", "blank")),
        ({"cart_id": "a\u0000b"}, ("/cart_id", "control_character")),
        ({"cart_id": 8731}, ("/cart_id", "not_a_string")),
        ({"customer": {"reference": "c", "email": "nobody"}}, ("/customer/email", "not_an_email")),
        ({"customer": None}, ("/customer", "null")),
        (
            {"expected_total": {"amount": 1, "currency": "EUR"}},
            ("/expected_total/currency", "currency_mismatch"),
        ),
        (
            {"expected_total": {"amount": 42.98, "currency": "USD"}},
            ("/expected_total/amount", "not_an_integer"),
        ),
        (
            {"shipping_address": SHIP_TO | {"country": "XX"}},
            ("/shipping_address/country", "unknown_country"),
        ),
        (
            {"billing_address": {"city": "X", "country": "US"}},
            ("/billing_address/line1", "required"),
        ),
        ({"metadata": {"a": ["b"]}}, ("/metadata/a", "not_a_string")),
        ({"coupon": "SAVE10"}, ("/coupon", "unknown_field")),
    ],
)
def test_what_cannot_be_bought_is_refused_with_its_place(changes, error):
    assert errors_of(body(**changes)) == {error}


@pytest.mark.parametrize(
    ("attribution", "kept", "dropped"),
    [
        (None, {}, ()),
        ("newsletter", {}, ("*",)),
        ({"utm_source": "x" * 255}, {"utm_source": "x" * 255}, ()),
        ({"utm_source": "x" * 256}, {}, ("utm_source",)),
        ({"utm_source": 5, "consent": "yes"}, {}, ("consent", "utm_source")),
        ({"utm_source": "{agent_id}", "gclid": "abc"}, {"gclid": "abc"}, ("utm_source",)),
        ({"utm_source": "a\nb", "consent": False}, {"consent": False}, ("utm_source",)),
        ({"surprise": "x", "more": {"deep": []}}, {}, ("*",)),
        ({"consent": None, "gclid": None}, {}, ()),
        (
            {"landing_page": "https://u:p@shop.example/mugs?token=secret#x"},
            {"landing_page": "https://shop.example/mugs"},
            (),
        ),
        ({"referrer": "https://a.example/" + "x" * 2048}, {}, ("referrer",)),
    ],
)
def test_attribution_keeps_what_is_well_formed_and_never_stops_a_sale(attribution, kept, dropped):
    intent = CheckoutRequest.accept(body(attribution=attribution))
    assert intent.attribution == kept
    assert intent.attribution_dropped == dropped


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["consent", "gclid", "utm_id", "x"]), inner, max_size=4
            )
        ),
        max_leaves=10,
    )
)
def test_no_attribution_whatsoever_is_an_error(attribution):
    intent = CheckoutRequest.accept(body(attribution=attribution))
    assert all(isinstance(value, str | bool) for value in intent.attribution.values())
