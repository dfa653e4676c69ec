"""What tax a sale takes: line by line, rounded half up on each, summed and never re-rounded.

Where prices contain tax (VAT), the tax is taken out of the listed price and the shopper pays what
was listed; where they do not (sales tax), it comes on top. Shipping is taxed by its own tax code.
A destination without any rate is not served: selling there untaxed would be a guess.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from foundation.errors import InvalidInput
from foundation.money import at_rate, within_rate
from orders import rate_tables
from orders.models.tax import STANDARD
from orders.rate_tables import Rate, RateTables
from orders.shipping import ShippingQuote


class DestinationNotServed(InvalidInput):
    """No tax rate is configured for the destination, so nothing is sold there."""

    code, title = "destination_not_served", "We do not sell to this destination"


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with our catalog's price and tax code."""

    sku: str
    quantity: int
    unit_amount: int
    tax_code: str


@dataclass(frozen=True, slots=True)
class Sale:
    """Everything a tax depends on."""

    lines: tuple[PricedLine, ...]
    shipping: ShippingQuote
    country: str
    region: str
    currency: str


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """The snapshot of one line: what was listed, what is ours, what is the state's, and why."""

    sku: str
    quantity: int
    unit_amount: int
    net_amount: int
    tax_amount: int
    rate_ppm: int
    jurisdiction: str
    inclusive: bool


@dataclass(frozen=True, slots=True)
class TaxQuote:
    """The whole sale: subtotal + tax + shipping = total, always."""

    lines: tuple[TaxedLine, ...]
    shipping_net: int
    shipping_tax: int
    subtotal: int
    tax: int

    @property
    def shipping(self) -> int:
        """Shipping without its tax, which stands in `tax`."""
        return self.shipping_net

    @property
    def total(self) -> int:
        """What the shopper pays."""
        return self.subtotal + self.tax + self.shipping

    def as_json(self) -> dict[str, Any]:
        """For a jsonb column: the snapshot as it was quoted."""
        return {**asdict(self), "shipping": self.shipping, "total": self.total}


class HomeRates:
    """The house's own tax table, as a provider: it asks nobody."""

    calls_out = False

    def quote(self, sale: Sale, *, seconds: float) -> TaxQuote:  # noqa: ARG002 - asks nobody
        """Raises `DestinationNotServed`."""
        return quote(
            lines=sale.lines,
            shipping=sale.shipping,
            country=sale.country,
            region=sale.region,
            tables=rate_tables.current(),
        )


def adds_up(quoted: TaxQuote, sale: Sale) -> bool:
    """Whether somebody else's quote is one of this sale, to the last minor unit."""
    if len(quoted.lines) != len(sale.lines):
        return False
    is_of_lines = all(
        (line.sku, line.quantity, line.unit_amount) == (of.sku, of.quantity, of.unit_amount)
        and line.net_amount >= 0
        and line.tax_amount >= 0
        and line.net_amount
        == of.unit_amount * of.quantity - (line.tax_amount if line.inclusive else 0)
        for line, of in zip(quoted.lines, sale.lines, strict=True)
    )
    line_tax = sum(line.tax_amount for line in quoted.lines)
    is_summed = quoted.subtotal == sum(line.net_amount for line in quoted.lines)
    is_shipped = quoted.shipping_net >= 0 and quoted.shipping_tax >= 0
    return is_of_lines and is_summed and is_shipped and quoted.tax == line_tax + quoted.shipping_tax


def quote(
    *,
    lines: Sequence[PricedLine],
    shipping: ShippingQuote,
    country: str,
    region: str,
    tables: RateTables,
) -> TaxQuote:
    """Tax every line and the shipping by the destination's rates."""
    taxed = tuple(
        _taxed(
            line, rate_for(country=country, region=region, tax_code=line.tax_code, tables=tables)
        )
        for line in lines
    )
    rate = rate_for(country=country, region=region, tax_code=shipping.tax_code, tables=tables)
    shipping_net, shipping_tax = _split(shipping.amount, rate)
    return TaxQuote(
        lines=taxed,
        shipping_net=shipping_net,
        shipping_tax=shipping_tax,
        subtotal=sum(line.net_amount for line in taxed),
        tax=sum(line.tax_amount for line in taxed) + shipping_tax,
    )


def rate_for(*, country: str, region: str, tax_code: str, tables: RateTables) -> Rate:
    """The most particular rate there is: the region's before the country's.

    In either place the tax code's own rate comes before the standard one, so a kind of goods
    without a rate of its own is taxed in full.
    """
    area = region.strip().upper().removeprefix(f"{country}-")
    for place in dict.fromkeys((area, "")):
        for code in (tax_code, STANDARD):
            rate = tables.tax.get((country, place, code))
            if rate is not None:
                return rate
    detail = "No tax rate is configured for this country and region."
    pointer = "/shipping_address/country"
    error = {"pointer": pointer, "code": DestinationNotServed.code, "detail": detail}
    raise DestinationNotServed(detail, errors=[error])


def _taxed(line: PricedLine, rate: Rate) -> TaxedLine:
    net, tax = _split(line.unit_amount * line.quantity, rate)
    return TaxedLine(
        sku=line.sku,
        quantity=line.quantity,
        unit_amount=line.unit_amount,
        net_amount=net,
        tax_amount=tax,
        rate_ppm=rate.rate_ppm,
        jurisdiction=rate.jurisdiction,
        inclusive=rate.inclusive,
    )


def _split(listed: int, rate: Rate) -> tuple[int, int]:
    if rate.inclusive:
        tax = within_rate(listed, ppm=rate.rate_ppm)
        return listed - tax, tax
    return listed, at_rate(listed, ppm=rate.rate_ppm)
