"""A CSV file as a stream of rows, in flat memory; whatever is wrong with it is told by its line.

UTF-8, with a byte order mark or without; a quoted cell may have line breaks in it. Nothing is
repaired and nothing guessed: a file that was cut short is refused even where the cut is not seen,
for the number in its last cell may have lost its end.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

ROW_BYTES_MAX: Final = 1 << 20
CELL_CHARACTERS_MAX: Final = 1 << 16
CUT: Final = "the file ends within this line, or lacks its last line break"
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a file is wrong, and why. The first line is line 1."""

    line: int
    reason: str


class Unreadable(Exception):
    """Nothing that comes after this place can be read at all."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.fault = Fault(line, reason)


@dataclass(frozen=True, slots=True)
class Row:
    """A row that has a cell for each column, without the white space around them."""

    line: int  # on which it begins
    cells: list[str]


@dataclass(slots=True)
class Table:
    """A file that is being read: its header, and then its rows, once."""

    header: list[str]
    _records: Iterator[tuple[int, list[str]]]
    _lines: "_Lines"

    def rows(self) -> Iterator[Row | Fault]:
        """Each row, or what is wrong with it; empty ones are none. Raises `Unreadable`."""
        for line, cells in self._records:
            # A record is handed out with its last line: that line is the file's last one, too.
            if self._lines.is_cut:
                yield Fault(line, CUT)
            elif len(cells) != len(self.header):
                yield Fault(line, f"{len(cells)} cells where the header has {len(self.header)}")
            elif any(len(cell) > CELL_CHARACTERS_MAX for cell in cells):
                yield Fault(line, f"a cell is longer than {CELL_CHARACTERS_MAX} characters")
            else:
                yield Row(line, cells)


def table(stream: BinaryIO, *, delimiter: str = ",", remark: str = "") -> Table:
    """Read the header: the first row that has a cell, and does not begin with `remark`.

    Raises `Unreadable` for a file without one, for columns of one name, and for one whose
    header is all there is of it because it was cut.
    """
    lines = _Lines(stream)
    records = _records(lines, delimiter=delimiter)
    for line, header in records:
        if remark and header[0].startswith(remark):
            continue
        twins = sorted({name for name in header if name and header.count(name) > 1})
        if twins:
            told = ", ".join(map(repr, twins))
            raise Unreadable(line, f"columns that stand twice: {told}")
        if lines.is_cut:
            raise Unreadable(line, CUT)
        return Table(header, records, lines)
    raise Unreadable(1, "the file is empty: there is no header")


def _records(lines: "_Lines", *, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line it begins on, cells) of each record with a cell that is not empty."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as broken:
            raise Unreadable(line, f"this is no CSV: {broken}") from None
        cells = [cell.strip() for cell in cells]
        if any(cells):
            yield line, cells


@dataclass(slots=True)
class _Lines:
    """The lines as text, each decoded by itself, so that a fault is told where it stands.

    A quoted cell, and a row of many of them, may go on over any number of lines: the bytes of a
    row are bounded, and with them the memory.
    """

    stream: BinaryIO
    is_cut: bool = False  # the line that was read last has no end
    _number: int = field(default=0)
    _row_bytes: int = field(default=0)

    def begin_row(self) -> None:
        """What comes from here on is another row's."""
        self._row_bytes = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        raw = self.stream.readline(ROW_BYTES_MAX + 1)
        if not raw:
            raise StopIteration
        self._number += 1
        self._row_bytes += len(raw)
        if self._row_bytes > ROW_BYTES_MAX:
            raise Unreadable(self._number, f"the line is longer than {ROW_BYTES_MAX} bytes")
        self.is_cut = not raw.endswith(b"\n")
        return self._decoded(raw)

    def _decoded(self, raw: bytes) -> str:
        if self._number == 1:
            if raw.startswith(_UTF_16):
                raise Unreadable(1, "the file is UTF-16; save it as UTF-8")
            # Spreadsheets write a byte order mark in front of UTF-8; here it does no harm.
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if b"\0" in raw:
            raise Unreadable(self._number, "there is a NUL byte: this is no CSV in UTF-8")
        try:
            return raw.decode()
        except UnicodeDecodeError as broken:
            reason = f"byte {broken.start + 1} is not UTF-8; save it as UTF-8"
            raise Unreadable(self._number, reason) from None
