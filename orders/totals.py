"""What a checkout costs: lines, shipping and tax, frozen in its row before anything is held."""

from collections.abc import Iterable, Mapping
from typing import Any

from orders import rate_tables, shipping, tax
from orders.models import Checkout


def listed(lines: Iterable[Mapping[str, Any]]) -> int:
    """The sum of the lines as listed, in minor units."""
    return sum(int(line["unit_amount"]) * int(line["quantity"]) for line in lines)


def sale(checkout: Checkout) -> tax.Sale:
    """What is to be taxed: the lines as priced, and the shipping as listed.

    Raises `InvalidInput` for a shipping method that is not known or does not go there.
    """
    country = checkout.shipping_address["country"]
    sent = shipping.quote(
        method=checkout.shipping_method,
        country=country,
        currency=checkout.currency,
        tables=rate_tables.current(),
    )
    return tax.Sale(
        lines=tuple(_priced(line) for line in checkout.lines),
        shipping=sent,
        country=country,
        region=checkout.shipping_address.get("region") or "",
        currency=checkout.currency,
    )


def is_frozen(checkout: Checkout) -> bool:
    """Whether the tax of each line stands in the row."""
    return all("tax_amount" in line for line in checkout.lines)


def freeze(checkout: Checkout, quote: tax.TaxQuote) -> None:
    """Set the checkout's amounts and the tax of each line, as they were quoted."""
    checkout.lines = [
        line | _tax_of(taxed) for line, taxed in zip(checkout.lines, quote.lines, strict=True)
    ]
    checkout.subtotal_amount = quote.subtotal
    checkout.tax_amount = quote.tax
    checkout.shipping_amount = quote.shipping_net
    checkout.total_amount = quote.subtotal + quote.tax + quote.shipping_net


def _priced(line: Mapping[str, Any]) -> tax.PricedLine:
    return tax.PricedLine(
        sku=line["sku"],
        quantity=line["quantity"],
        unit_amount=line["unit_amount"],
        tax_code=line["tax_code"],
    )


def _tax_of(taxed: tax.TaxedLine) -> dict[str, Any]:
    return {
        "net_amount": taxed.net_amount,
        "tax_amount": taxed.tax_amount,
        "tax_rate_ppm": taxed.rate_ppm,
        "tax_jurisdiction": taxed.jurisdiction,
        "tax_inclusive": taxed.inclusive,
    }
