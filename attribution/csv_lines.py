"""A CSV file line by line, in flat memory; what is wrong with it is told by line.

`\"quoted` cells may hold line breaks. A byte order mark of UTF-8 is skipped. A file that was cut
short is refused, for the number in its last cell may be cut, too.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

LINE_BYTES_MAX: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class BadLine:
    """Where a file is wrong, and why."""

    line: int
    reason: str


class FileRefused(Exception):
    """The file has bad lines; nothing of it was stored."""

    def __init__(self, bad_lines: Sequence[BadLine]) -> None:
        super().__init__(f"{len(bad_lines)} bad lines")
        self.bad_lines = list(bad_lines)


def read(stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """(line it begins on, cells) of every row that is not empty. Raises `FileRefused`."""
    lines = _Lines(stream)
    reader = csv.reader(lines, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, [cell.strip() for cell in cells]
            begins = reader.line_num + 1
    except csv.Error as broken:
        raise FileRefused([BadLine(begins, f"this is no CSV: {broken}")]) from None
    if not lines.has_ended:
        reason = "the last line has no end: the file was cut short (or lacks its last line break)"
        raise FileRefused([BadLine(reader.line_num, reason)])


class _Lines:
    """The lines of a binary stream as text; each is decoded by itself, so that it can be named."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.number, self.has_ended = stream, 0, True

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        raw = self.stream.readline(LINE_BYTES_MAX + 1)
        if not raw:
            raise StopIteration
        self.number += 1
        self.has_ended = raw.endswith(b"\n")
        return self._text(raw)

    def _text(self, raw: bytes) -> str:
        if self.number == 1:
            if raw.startswith(_UTF_16):
                self._refuse("this is UTF-16; save it as UTF-8")
            raw = raw.removeprefix(_BOM)
        if len(raw) > LINE_BYTES_MAX:
            self._refuse(f"a line of more than {LINE_BYTES_MAX} bytes")
        try:
            return raw.decode()
        except UnicodeDecodeError as broken:
            self._refuse(f"this is not UTF-8 (byte {broken.start + 1} of the line)")
            raise

    def _refuse(self, reason: str) -> None:
        raise FileRefused([BadLine(self.number, reason)])
