"""CSV as a stream of rows: UTF-8, bounded in every direction, each with the line it began on."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from django.conf import settings

from reconciliation.readers.base import Faults
from reconciliation.readers.cells import Row

LINE_BYTES_MAX: Final = 1 << 20
CELL_CHARACTERS_MAX: Final = 1 << 16
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(slots=True)
class Table:
    """A CSV being read: its header, and then its rows."""

    header: list[str]
    _records: Iterator[tuple[int, list[str]]]
    _text: "_Text"
    _faults: Faults

    def rows(self) -> Iterator[Row]:
        """Each row that has a cell for each column. Raises `MalformedReport` at the limits."""
        for count, (number, cells) in enumerate(self._records, start=1):
            if count > settings.SETTLEMENT_LINES_MAX:
                raise self._faults.ended(number, f"more than {settings.SETTLEMENT_LINES_MAX} lines")
            if len(cells) != len(self.header):
                self._faults.add(number, self._count_is_wrong(cells))
            elif any(len(cell) > CELL_CHARACTERS_MAX for cell in cells):
                self._faults.add(number, f"a cell is longer than {CELL_CHARACTERS_MAX} characters")
            else:
                yield Row(number, dict(zip(self.header, map(str.strip, cells), strict=True)))

    def _count_is_wrong(self, cells: list[str]) -> str:
        found = f"{len(cells)} cells where the header has {len(self.header)}"
        return f"the file ends within this line: {found}" if self._text.is_cut else found


def table(stream: BinaryIO, faults: Faults, *, delimiter: str = ",") -> Table:
    """Read the header. Raises `MalformedReport` for a file that has none, or one with twins."""
    text = _Text(stream, faults)
    records = _records(text, faults, delimiter=delimiter)
    number, cells = next(records, (1, []))
    header = [cell.strip() for cell in cells]
    if not any(header):
        raise faults.ended(1, "the file is empty: there is no header")
    twins = sorted({name for name in header if header.count(name) > 1})
    if twins:
        raise faults.ended(number, f"columns that stand twice: {', '.join(map(repr, twins))}")
    return Table(header, records, text, faults)


class _Text:
    """Lines of text, each decoded by itself, so that a fault is told where it stands."""

    def __init__(self, stream: BinaryIO, faults: Faults) -> None:
        self._stream, self._faults = stream, faults
        self.is_cut = False  # the last line that was read has no end

    def __iter__(self) -> Iterator[str]:
        number = 0
        while raw := self._stream.readline(LINE_BYTES_MAX):
            number += 1
            self.is_cut = not raw.endswith((b"\n", b"\r"))
            if self.is_cut and len(raw) == LINE_BYTES_MAX:
                raise self._faults.ended(number, f"the line is longer than {LINE_BYTES_MAX} bytes")
            yield self._decoded(number, raw)

    def _decoded(self, number: int, raw: bytes) -> str:
        if number == 1:
            if raw.startswith(_UTF16):
                raise self._faults.ended(1, "the file is UTF-16; save it as UTF-8")
            # Spreadsheets write a byte order mark in front of UTF-8; here it does no harm.
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if b"\0" in raw:
            raise self._faults.ended(number, "there is a NUL byte: this is no CSV in UTF-8")
        try:
            return raw.decode()
        except UnicodeDecodeError as broken:
            reason = f"byte {broken.start + 1} is not UTF-8; save it as UTF-8"
            raise self._faults.ended(number, reason) from None


def _records(text: _Text, faults: Faults, *, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line it begins on, cells); a quoted cell may have line ends in it. Empty lines are none."""
    reader = csv.reader(iter(text), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as broken:
            raise faults.ended(number, f"this is no CSV: {broken}") from None
        if any(cell.strip() for cell in cells):
            yield number, cells
