"""A bank's CSV, or any other, through a map of its columns (`column_map.py`)."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from reconciliation.readers.base import Faults, Line
from reconciliation.readers.cells import Row
from reconciliation.readers.column_map import ColumnMap
from reconciliation.readers.rows import table


class MappedCsv:
    """Amounts are decimals in major units; what the map does not name is kept with the raw line."""

    name = "mapped_csv"

    def __init__(self, column_map: ColumnMap) -> None:
        self._map = column_map

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "MappedCsv":
        """With a map as it was written. Raises `BadColumnMap`."""
        return cls(ColumnMap.of(given))

    def lines(self, stream: BinaryIO, faults: Faults) -> Iterator[Line]:
        """The lines in order; see `Reader`."""
        csv = table(stream, faults, delimiter=self._map.delimiter)
        missing = [name for name in self._map.columns.values() if name not in csv.header]
        if missing:
            raise faults.ended(1, f"columns missing: {', '.join(map(repr, sorted(missing)))}")
        for row in csv.rows():
            line = self._line(row)
            if row.problems:
                faults.add(row.number, "; ".join(row.problems))
            else:
                yield line

    def _line(self, row: Row) -> Line:
        column = self._map.columns
        currency = self._map.currency or row.currency(column["currency"])
        gross, fee, net = self._amounts(row, currency)
        row.check_sum(gross=gross, fee=fee, net=net)
        when = {"zone": self._map.time_zone, "form": self._map.date_format}
        return Line(
            number=row.number,
            external_id=row.text(column["external_id"], required=True),
            category=self._category(row),
            currency=currency,
            gross=gross,
            fee=fee,
            net=net,
            occurred_at=row.moment(column["occurred_at"], **when),  # type: ignore[arg-type]
            available_on=row.moment_or_none(column.get("available_on"), **when),  # type: ignore[arg-type]
            processor_reference=row.text(column.get("processor_reference")),
            payment_reference=row.ours(column.get("payment_reference")),
            source_id=row.text(column.get("source_id")),
            payout_id=row.text(column.get("payout_id")),
            raw=row.cells,
        )

    def _amounts(self, row: Row, currency: str) -> tuple[int, int, int]:
        """gross, fee, net; of the last two, one that has no column follows from the others."""
        gross = self._map.gross_sign * self._amount(row, "gross", currency)
        has_fee, has_net = ("fee" in self._map.columns), ("net" in self._map.columns)
        fee = self._map.fee_sign * self._amount(row, "fee", currency) if has_fee else 0
        net = self._map.gross_sign * self._amount(row, "net", currency) if has_net else gross - fee
        return gross, (gross - net if has_net and not has_fee else fee), net

    def _amount(self, row: Row, name: str, currency: str) -> int:
        column = self._map.columns[name]
        return row.decimals(self._plain(row.cells[column]), column, currency=currency)

    def _plain(self, text: str) -> str:
        """With a point for its decimal mark. What is not grouped in threes is left to be refused:
        "12.34" of a file that writes "1.234,50" is no 1234."""
        whole, mark, fraction = text.partition(self._map.decimal_mark)
        thousands = self._map.thousands_mark
        if thousands and thousands in whole:
            first, *groups = whole.split(thousands)
            if 1 <= len(first.lstrip("+-")) <= 3 and all(len(group) == 3 for group in groups):
                whole = first + "".join(groups)
        # A point that is no mark of this file must not become one.
        whole, fraction = whole.replace(".", "?"), fraction.replace(".", "?")
        return f"{whole}.{fraction}" if mark else whole

    def _category(self, row: Row) -> str:
        if self._map.category:
            return self._map.category
        name = self._map.columns["category"]
        word = row.text(name, required=True)
        found = self._map.categories.get(word)
        if word and found is None:
            row.refuse(name, f"is {word[:40]!r}, which the map does not know")
        return found or ""
