"""Taxes in four currencies, and where an order came from."""

import pytest

from attribution.models import Attribution
from orders.models import Order, Price, Product
from tests import builders

PLACES = {
    "US without tax": ("USD", {"country": "US", "region": "OR"}, 1999, 3998, 0, 300, 4298),
    "US with tax on top": ("USD", {"country": "US", "region": "CA"}, 1999, 3998, 312, 300, 4610),
    "Germany, tax inside": ("EUR", {"country": "DE"}, 1990, 3345, 699, 336, 4380),
    "Japan, no decimals": ("JPY", {"country": "JP"}, 1980, 3600, 405, 455, 4460),
    "Kuwait, three decimals": ("KWD", {"country": "KW"}, 6250, 12500, 0, 1000, 13500),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_order_adds_up_in_every_currency(api, shop, place):
    currency, destination, price, subtotal, tax, shipping, total = PLACES[place]
    Price.objects.update_or_create(
        product=Product.objects.get(), currency=currency, defaults={"amount": price}
    )
    address = {"line1": "x", "city": "y", "postal_code": "1"} | destination

    reply = api.checkout(builders.a_purchase(currency=currency, shipping_address=address))

    assert reply.status_code == 201, reply.content
    order = reply.json()["order"]
    found = [order[name]["amount"] for name in ("subtotal", "tax", "shipping", "total")]
    assert found == [subtotal, tax, shipping, total]
    assert sum(found[:3]) == total
    line = Order.objects.get().lines.get()
    assert line.unit_amount == price
    assert shop.holds(reply.json()["payment"]["id"])[0]["amount"] == total


def test_what_is_not_known_is_unknown_and_never_direct(api):
    body = builders.a_purchase()
    del body["attribution"]

    reply = api.checkout(body)

    assert reply.status_code == 201
    seen = Attribution.objects.get()
    assert (seen.source, seen.medium, seen.campaign) == ("unknown", "unknown", "unknown")
    assert seen.consent == "unknown"


def test_where_it_came_from_is_kept_with_the_order(api):
    body = builders.a_purchase(
        attribution={
            "utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "spring",
            "gclid": "abc", "session_id": "s_1", "client_id": "123.456", "consent": True,
            "landing_page": "https://shop.example/mugs?token=secret",
        }
    )  # fmt: skip

    order = api.checkout(body, Referer="https://news.example/letter/7").json()["order"]["id"]

    origin = api.get(f"/v1/orders/{order}").json()["attribution"]
    assert origin["source"] == "newsletter"
    assert origin["click_ids"] == {"gclid": "abc"}
    assert origin["consent"] == "granted"
    assert origin["referrer_host"] == "news.example"
    assert "secret" not in str(origin)


def test_without_consent_no_identifier_is_kept(api):
    api.checkout(
        builders.a_purchase(
            attribution={
                "utm_source": "ads", "gclid": "abc", "client_id": "1.2", "session_id": "s",
                "consent": False,
            }
        )
    )  # fmt: skip

    seen = Attribution.objects.get()
    assert (seen.source, seen.consent) == ("ads", "denied")
    assert (seen.click_ids, seen.client_id, seen.session_id) == ({}, "", "")


@pytest.mark.parametrize(
    "touch",
    [
        {"utm_source": "{utm_source}"},
        {"utm_source": "x" * 5000},
        {"utm_source": 7},
        {"nonsense": [1, 2]},
        ["not", "an", "object"],
    ],
)
def test_odd_attribution_never_costs_a_sale(api, touch):
    reply = api.checkout(builders.a_purchase(attribution=touch))

    assert reply.status_code == 201
    assert Attribution.objects.get().source == "unknown"
