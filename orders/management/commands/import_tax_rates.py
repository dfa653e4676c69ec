"""`manage.py import_tax_rates FILE.csv`: tax rates by destination, all of them or none.

Columns: country, region (empty: whole country), tax_code, jurisdiction, rate_percent, inclusive
(true: listed prices contain it), and a note that is not stored. Importing again updates.
"""

import argparse
from collections.abc import Sequence

from foundation.edge.countries import COUNTRIES
from orders import rate_tables
from orders.importing import ImportCommand, Layout, Row, read
from orders.models import TaxRate


class Command(ImportCommand):
    """Import tax rates."""

    help = "Import tax rates from a CSV file: all of it or nothing."

    def import_file(self, options: argparse.Namespace) -> int:
        """Check all rows, then store them."""
        rates = [rate for _, rate in read(options.file, LAYOUT)]
        self.store_in_batches(rates, _store)
        rate_tables.forget()
        return len(rates)


def _parse(row: Row) -> TaxRate:
    region = row.cells["region"] and row.text("region", longest=3, pattern=r"[A-Z0-9]{1,3}")
    return TaxRate(
        country=row.text("country", longest=2, among=COUNTRIES),
        region=region,
        tax_code=row.text("tax_code", longest=32, pattern=r"[a-z][a-z0-9_]*"),
        jurisdiction=row.text("jurisdiction", longest=80),
        rate_ppm=row.percent("rate_percent"),
        inclusive=row.answer("inclusive"),
    )


LAYOUT = Layout(
    columns=frozenset(
        {"country", "region", "tax_code", "jurisdiction", "rate_percent", "inclusive"}
    ),
    parse=_parse,
    key=lambda rate: (rate.country, rate.region, rate.tax_code),
)


def _store(rates: Sequence[TaxRate]) -> None:
    TaxRate.objects.bulk_create(
        rates,
        update_conflicts=True,
        unique_fields=["country", "region", "tax_code"],
        update_fields=["jurisdiction", "rate_ppm", "inclusive"],
    )
