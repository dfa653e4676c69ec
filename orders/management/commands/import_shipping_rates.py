"""`manage.py import_shipping_rates FILE.csv`: what shipping costs where, all of it or nothing.

Columns: method, country ("*": anywhere), currency, amount (major units), tax_code, title, and a
note that is not stored. Importing again updates.
"""

import argparse
from collections.abc import Sequence

from foundation.edge.countries import COUNTRIES
from foundation.money import EXPONENTS
from orders import rate_tables
from orders.importing import ImportCommand, Layout, Row, read
from orders.models import ShippingRate
from orders.models.shipping import ANYWHERE


class Command(ImportCommand):
    """Import shipping rates."""

    help = "Import shipping rates from a CSV file: all of it or nothing."

    def import_file(self, options: argparse.Namespace) -> int:
        """Check all rows, then store them."""
        rates = [rate for _, rate in read(options.file, LAYOUT)]
        self.store_in_batches(rates, _store)
        rate_tables.forget()
        return len(rates)


def _parse(row: Row) -> ShippingRate:
    currency = row.text("currency", longest=3, among=EXPONENTS)
    known = currency in EXPONENTS
    return ShippingRate(
        method=row.text("method", longest=40, pattern=r"[a-z][a-z0-9_-]*"),
        country=row.text("country", longest=2, among=COUNTRIES | {ANYWHERE}),
        currency=currency,
        amount=row.amount("amount", currency=currency) if known else 0,
        tax_code=row.text("tax_code", longest=32, pattern=r"[a-z][a-z0-9_]*"),
        title=row.text("title", longest=80),
    )


LAYOUT = Layout(
    columns=frozenset({"method", "country", "currency", "amount", "tax_code", "title"}),
    parse=_parse,
    key=lambda rate: (rate.method, rate.country, rate.currency),
)


def _store(rates: Sequence[ShippingRate]) -> None:
    ShippingRate.objects.bulk_create(
        rates,
        update_conflicts=True,
        unique_fields=["method", "country", "currency"],
        update_fields=["amount", "tax_code", "title"],
    )
