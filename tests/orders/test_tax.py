"""Tax is exact: lines add up, VAT never changes what was listed, and nothing is sold untaxed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.money import PPM
from orders.models.catalog import AMOUNT_MAX
from orders.rate_tables import Rate, RateTables
from orders.shipping import ShippingQuote
from orders.tax import DestinationNotServed, PricedLine, quote, rate_for

OREGON = Rate("Oregon", 0, inclusive=False)
TABLES = RateTables(
    tax={
        ("US", "OR", "standard"): OREGON,
        ("US", "NY", "standard"): Rate("New York", 40_000, inclusive=False),
        ("US", "NY", "clothing"): Rate("New York, clothing", 0, inclusive=False),
        ("DE", "", "standard"): Rate("Germany", 190_000, inclusive=True),
        ("DE", "", "books"): Rate("Germany, reduced", 70_000, inclusive=True),
        ("ES", "", "standard"): Rate("Spain", 210_000, inclusive=True),
        ("ES", "", "books"): Rate("Spain, books", 40_000, inclusive=True),
        ("ES", "CN", "standard"): Rate("Canary Islands", 0, inclusive=True),
        ("JP", "", "standard"): Rate("Japan", 100_000, inclusive=True),
        ("KW", "", "standard"): Rate("Kuwait", 0, inclusive=False),
        ("AE", "", "standard"): Rate("United Arab Emirates", 50_000, inclusive=False),
    }
)


def sale(*lines, country, region="", shipping=0):
    return quote(
        lines=[PricedLine(*line) for line in lines],
        shipping=ShippingQuote("standard", "Standard", shipping, "shipping"),
        country=country,
        region=region,
        tables=TABLES,
    )


def test_two_blue_mugs_to_oregon_cost_what_the_documentation_says():
    bought = sale(("MUG-BLUE", 2, 1999, "standard"), country="US", region="OR", shipping=300)
    assert (bought.subtotal, bought.tax, bought.shipping, bought.total) == (3998, 0, 300, 4298)


def test_sales_tax_comes_on_top_and_the_line_remembers_why():
    bought = sale(("MUG", 3, 1999, "standard"), country="US", region="NY", shipping=500)
    (line,) = bought.lines
    assert (line.net_amount, line.tax_amount, line.rate_ppm) == (5997, 240, 40_000)
    assert (line.jurisdiction, line.inclusive) == ("New York", False)
    assert (bought.shipping_net, bought.shipping_tax) == (500, 20)
    assert bought.total == 5997 + 240 + 500 + 20


def test_value_added_tax_is_inside_the_listed_price():
    bought = sale(
        ("MUG", 1, 1999, "standard"), ("BOOK", 1, 1070, "books"), country="DE", shipping=490
    )
    assert [(line.net_amount, line.tax_amount) for line in bought.lines] == [
        (1680, 319),
        (1000, 70),
    ]
    assert bought.total == 1999 + 1070 + 490
    assert (bought.shipping, bought.shipping_tax) == (412, 78)


@pytest.mark.parametrize(
    ("country", "unit", "net", "tax"),
    [("JP", 1100, 1000, 100), ("JP", 1, 1, 0), ("KW", 6_500, 6_500, 0), ("AE", 6_510, 6_510, 326)],
)
def test_currencies_of_any_decimals_are_taxed_in_their_own_minor_units(country, unit, net, tax):
    (line,) = sale(("MUG", 1, unit, "standard"), country=country).lines
    assert (line.net_amount, line.tax_amount) == (net, tax)


@pytest.mark.parametrize(
    ("place", "jurisdiction"),
    [
        (("US", "NY", "clothing"), "New York, clothing"),
        (("US", "ny", "books"), "New York"),
        (("US", "US-OR", "standard"), "Oregon"),
        (("DE", "BY", "standard"), "Germany"),
        (("DE", "", "books"), "Germany, reduced"),
        (("ES", "CN", "books"), "Canary Islands"),
        (("ES", "MD", "books"), "Spain, books"),
    ],
)
def test_the_most_particular_rate_applies(place, jurisdiction):
    country, region, code = place
    found = rate_for(country=country, region=region, tax_code=code, tables=TABLES)
    assert found.jurisdiction == jurisdiction


@pytest.mark.parametrize(("country", "region"), [("US", "ZZ"), ("US", ""), ("BR", "SP")])
def test_a_destination_without_a_rate_is_not_served(country, region):
    with pytest.raises(DestinationNotServed) as refused:
        sale(("MUG", 1, 1999, "standard"), country=country, region=region)
    assert (refused.value.status, refused.value.code) == (422, "destination_not_served")
    assert refused.value.errors[0]["pointer"] == "/shipping_address/country"


priced = st.builds(
    PricedLine,
    sku=st.just("A"),
    quantity=st.integers(min_value=1, max_value=10_000),
    unit_amount=st.integers(min_value=1, max_value=AMOUNT_MAX),
    tax_code=st.sampled_from(["standard", "books"]),
)
carts = st.lists(priced, min_size=1, max_size=8)
rates = st.builds(
    Rate, st.just("Somewhere"), st.integers(min_value=0, max_value=PPM), st.booleans()
)


def bought_at(cart, shipping, *, goods, books):
    place = {("XX", "", "standard"): goods, ("XX", "", "books"): books}
    return quote(
        lines=cart,
        shipping=ShippingQuote("s", "S", shipping, "shipping"),
        country="XX",
        region="",
        tables=RateTables(tax=place),
    )


@settings(max_examples=2_000)
@given(carts, st.integers(min_value=0, max_value=AMOUNT_MAX), rates, rates)
def test_every_sale_adds_up_and_is_never_negative(cart, shipping, goods, books):
    bought = bought_at(cart, shipping, goods=goods, books=books)
    assert bought.subtotal == sum(line.net_amount for line in bought.lines)
    assert bought.tax == sum(line.tax_amount for line in bought.lines) + bought.shipping_tax
    assert bought.total == bought.subtotal + bought.tax + bought.shipping
    parts = [part for line in bought.lines for part in (line.net_amount, line.tax_amount)]
    assert min(*parts, bought.shipping_net, bought.shipping_tax) >= 0
    assert json.loads(json.dumps(bought.as_json()))["total"] == bought.total


def test_the_largest_sale_there_can_be_still_fits_the_database():
    everything = Rate("Somewhere", PPM, inclusive=False)
    cart = [PricedLine("A", 10_000, AMOUNT_MAX, "standard")] * 100
    bought = bought_at(cart, AMOUNT_MAX, goods=everything, books=everything)
    assert 2 * 10**18 < bought.total < 2**63


@settings(max_examples=2_000)
@given(carts, st.integers(min_value=0, max_value=AMOUNT_MAX), rates)
def test_where_prices_include_tax_the_shopper_pays_what_was_listed(cart, shipping, rate):
    inclusive = Rate(rate.jurisdiction, rate.rate_ppm, inclusive=True)
    bought = bought_at(cart, shipping, goods=inclusive, books=inclusive)
    assert bought.total == sum(line.unit_amount * line.quantity for line in cart) + shipping


@settings(max_examples=2_000)
@given(priced, rates)
def test_a_line_is_never_more_than_half_a_unit_from_its_exact_tax(line, rate):
    (taxed,) = bought_at([line], 0, goods=rate, books=rate).lines
    base = PPM + rate.rate_ppm if rate.inclusive else PPM
    exact_times_base = line.unit_amount * line.quantity * rate.rate_ppm
    assert abs(2 * (taxed.tax_amount * base - exact_times_base)) <= base
