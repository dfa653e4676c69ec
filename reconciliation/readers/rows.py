"""The rows of a report in CSV, under their headings; what is wrong goes to its faults."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from django.conf import settings

from foundation import csv_lines
from foundation.csv_lines import Fault, Unreadable
from reconciliation.readers.base import Faults
from reconciliation.readers.cells import Row


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV being read: its header, and then its rows."""

    header: list[str]
    _table: csv_lines.Table
    _faults: Faults

    def rows(self) -> Iterator[Row]:
        """Each row that has a cell for each column. Raises `MalformedReport` at the limits."""
        try:
            for count, found in enumerate(self._table.rows(), start=1):
                if count > settings.SETTLEMENT_LINES_MAX:
                    reason = f"more than {settings.SETTLEMENT_LINES_MAX} lines"
                    raise self._faults.ended(found.line, reason)
                if isinstance(found, Fault):
                    self._faults.add(found.line, found.reason)
                else:
                    yield Row(found.line, dict(zip(self.header, found.cells, strict=True)))
        except Unreadable as broken:
            raise self._faults.ended(broken.fault.line, broken.fault.reason) from None


def table(stream: BinaryIO, faults: Faults, *, delimiter: str = ",") -> Table:
    """Read the header. Raises `MalformedReport` for a file that has none, or one with twins."""
    try:
        found = csv_lines.table(stream, delimiter=delimiter)
    except Unreadable as broken:
        raise faults.ended(broken.fault.line, broken.fault.reason) from None
    return Table(found.header, found, faults)
