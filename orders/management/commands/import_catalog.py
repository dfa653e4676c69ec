"""`manage.py import_catalog FILE.csv`: products, prices and stock, all of them or none.

Columns: sku, title, tax_code, on_hand, and a price_<CUR> for each currency, in major units
(price_USD 19.99, price_JPY 2800). An empty price: not sold in that currency. Importing again
updates; what lies on the shelf is only set for new products, unless --set-stock is given.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from foundation.money import EXPONENTS
from orders.importing import BadRow, ImportCommand, ImportRefused, Layout, Row, read
from orders.models import Price, Product, StockItem
from orders.models.catalog import SKU_PATTERN

_ON_HAND_MAX = 2**31 - 1
_PRICE = "price_"

Ids = Mapping[str, UUID]


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """One product with its prices by currency; None: not sold in it."""

    line: int
    sku: str
    title: str
    tax_code: str
    on_hand: int
    prices: Mapping[str, int | None]


class Command(ImportCommand):
    """Import the catalog."""

    help = "Import products, prices and stock from a CSV file: all of it or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, and whether to overwrite stock."""
        super().add_arguments(parser)
        parser.add_argument(
            "--set-stock", action="store_true", help="set on_hand of products that exist already"
        )

    def import_file(self, options: argparse.Namespace) -> int:
        """Check all rows, then store products, prices and stock."""
        rows = [row for _, row in read(options.file, LAYOUT)]
        if options.set_stock:
            _refuse_less_than_reserved(rows)
        self.store_in_batches(rows, lambda batch: _store(batch, set_stock=options.set_stock))
        return len(rows)


def _parse(row: Row) -> CatalogRow:
    prices = {
        name.removeprefix(_PRICE): _price(row, name)
        for name in row.cells
        if name.startswith(_PRICE)
    }
    if not any(prices.values()):
        row.problems.append("there is no price")
    return CatalogRow(
        line=row.line,
        sku=row.text("sku", longest=64, pattern=SKU_PATTERN),
        title=row.text("title", longest=200),
        tax_code=row.text("tax_code", longest=32, pattern=r"[a-z][a-z0-9_]*"),
        on_hand=row.integer("on_hand", most=_ON_HAND_MAX),
        prices=prices,
    )


def _price(row: Row, name: str) -> int | None:
    currency = name.removeprefix(_PRICE)
    return row.amount(name, currency=currency, least=1) if row.cells[name] else None


LAYOUT = Layout(
    columns=frozenset({"sku", "title", "tax_code", "on_hand"}),
    parse=_parse,
    key=lambda row: row.sku,
    more_columns=_PRICE + "(" + "|".join(EXPONENTS) + ")",
)


def _store(rows: Sequence[CatalogRow], *, set_stock: bool) -> None:
    Product.objects.bulk_create(
        [Product(sku=row.sku, title=row.title, tax_code=row.tax_code) for row in rows],
        update_conflicts=True,
        unique_fields=["sku"],
        update_fields=["title", "tax_code"],
    )
    skus = [row.sku for row in rows]
    ids = dict(Product.objects.filter(sku__in=skus).values_list("sku", "id"))
    _store_prices(rows, ids)
    _store_stock(rows, ids, set_stock=set_stock)


def _store_prices(rows: Sequence[CatalogRow], ids: Ids) -> None:
    withdrawn: dict[str, list[UUID]] = {}
    listed = []
    for row in rows:
        for currency, amount in row.prices.items():
            if amount is None:
                withdrawn.setdefault(currency, []).append(ids[row.sku])
            else:
                price = Price(product_id=ids[row.sku], currency=currency, amount=amount)
                listed.append(price)
    for currency, products in withdrawn.items():
        Price.objects.filter(currency=currency, product_id__in=products).delete()
    Price.objects.bulk_create(
        listed,
        update_conflicts=True,
        unique_fields=["product", "currency"],
        update_fields=["amount"],
    )


def _store_stock(rows: Sequence[CatalogRow], ids: Ids, *, set_stock: bool) -> None:
    # In SKU order, as checkouts take these locks, so that none waits for the other in a circle.
    items = [
        StockItem(product_id=ids[row.sku], sku=row.sku, on_hand=row.on_hand)
        for row in sorted(rows, key=lambda row: row.sku)
    ]
    overwrite: dict[str, Any] = {
        "update_conflicts": True,
        "unique_fields": ["product"],
        "update_fields": ["on_hand"],
    }
    StockItem.objects.bulk_create(items, **(overwrite if set_stock else {"ignore_conflicts": True}))


def _refuse_less_than_reserved(rows: Sequence[CatalogRow]) -> None:
    """Stock that is spoken for cannot be counted away; the rows stay locked until the commit."""
    counted = {row.sku: row for row in rows}
    held = StockItem.objects.select_for_update(no_key=True).filter(reserved__gt=0).order_by("sku")
    bad = [
        BadRow(counted[sku].line, f"on_hand is less than the {reserved} that are reserved")
        for sku, reserved in held.values_list("sku", "reserved")
        if sku in counted and counted[sku].on_hand < reserved
    ]
    if bad:
        raise ImportRefused(bad)
