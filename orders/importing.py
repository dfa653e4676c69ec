"""Reads the shop's CSV files whole or not at all: every bad row is named, and then nothing is kept.

A file is checked to its last line before the first row is stored, and stored in one transaction.
"""

import argparse
import csv
import re
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from foundation.edge.strict_fields import CONTROL_CHARACTERS
from foundation.money import minor_units
from orders.models.catalog import AMOUNT_MAX

BATCH = 1000
IGNORED = "note"

_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,4}))?", re.ASCII)
_ANSWERS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class BadRow:
    """Where a file is wrong, and why."""

    line: int
    reason: str


class ImportRefused(Exception):
    """The file has bad rows; nothing of it was stored."""

    def __init__(self, bad_rows: Sequence[BadRow]) -> None:
        super().__init__(f"{len(bad_rows)} bad rows")
        self.bad_rows = bad_rows


class Row:
    """One line of the file. Reading a cell notes what is wrong with it and goes on."""

    def __init__(self, line: int, cells: dict[str, str]) -> None:
        self.line, self.cells = line, cells
        self.problems: list[str] = []

    def text(
        self, name: str, *, longest: int, pattern: str | None = None, among: Collection[str] = ()
    ) -> str:
        """A cell that must not be empty, if wanted of a pattern or among known values."""
        cell = self.cells[name]
        if not cell:
            self.refuse(name, "is empty")
        elif len(cell) > longest or CONTROL_CHARACTERS.search(cell):
            self.refuse(name, f"is longer than {longest} characters or has control characters")
        elif (pattern and not re.fullmatch(pattern, cell)) or (among and cell not in among):
            self.refuse(name, "does not have the expected form")
        return cell

    def integer(self, name: str, *, most: int) -> int:
        """A whole number from 0 on."""
        cell = self.cells[name]
        if not (cell.isascii() and cell.isdecimal()) or len(cell) > 18 or int(cell) > most:
            self.refuse(name, f"is not a whole number from 0 to {most}")
            return 0
        return int(cell)

    def amount(self, name: str, *, currency: str, least: int = 0) -> int:
        """Major units as decimal text, turned into minor units exactly."""
        try:
            amount = minor_units(self.cells[name], currency)
        except ValueError as wrong:
            self.refuse(name, f"is no amount: {wrong}")
            return least
        if not least <= amount <= AMOUNT_MAX:
            self.refuse(name, "is too small or too large")
        return amount

    def percent(self, name: str) -> int:
        """A percentage of at most four decimals, in parts per million."""
        match = _PERCENT.fullmatch(self.cells[name])
        ppm = int(match[1] + (match[2] or "").ljust(4, "0")) if match else -1
        if not 0 <= ppm <= 1_000_000:
            self.refuse(name, "is not a percentage from 0 to 100 with at most four decimals")
        return ppm

    def answer(self, name: str) -> bool:
        """Yes or no."""
        answer = _ANSWERS.get(self.cells[name].lower())
        if answer is None:
            self.refuse(name, "is neither true nor false")
        return bool(answer)

    def refuse(self, name: str, why: str) -> None:
        """Note that this cell is wrong."""
        self.problems.append(f"{name} {why}")


@dataclass(frozen=True, slots=True)
class Layout(Generic[Parsed]):
    """What a kind of file looks like, how a row of it is read, and which rows are the same."""

    columns: frozenset[str]
    parse: Callable[[Row], Parsed]
    key: Callable[[Parsed], Hashable]
    more_columns: str = r"(?!)"


def read(path: Path, layout: Layout[Parsed]) -> list[tuple[int, Parsed]]:
    """All rows of the file with their line numbers, or `ImportRefused` with all bad ones."""
    parsed: list[tuple[int, Parsed]] = []
    bad: list[BadRow] = []
    first_line: dict[Hashable, int] = {}
    for row in _rows(path, layout):
        found = layout.parse(row) if not row.problems else None
        if row.problems or found is None:
            bad.append(BadRow(row.line, "; ".join(row.problems)))
            continue
        line = first_line.setdefault(layout.key(found), row.line)
        if line != row.line:
            bad.append(BadRow(row.line, f"the same as line {line}"))
        parsed.append((row.line, found))
    if bad or not parsed:
        raise ImportRefused(bad or [BadRow(1, "there is no row")])
    return parsed


def batches(rows: Sequence[Parsed]) -> Iterator[Sequence[Parsed]]:
    """The rows in portions that one statement takes."""
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


class ImportCommand(BaseCommand):
    """A command that imports one file: all of it, or nothing and an exit code that says so."""

    def add_arguments(self, parser: CommandParser) -> None:
        """The file."""
        parser.add_argument("file", type=Path, help="a CSV file in UTF-8 with a header line")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Check the whole file, then store it in one transaction."""
        if not options["file"].is_file():
            raise CommandError(f"{options['file']} is not a file")
        try:
            with transaction.atomic():
                count = self.import_file(argparse.Namespace(**options))
        except ImportRefused as refused:
            for bad in refused.bad_rows:
                self.stderr.write(f"line {bad.line}: {bad.reason}")
            raise CommandError(f"{refused}: nothing was imported") from None
        self.stdout.write(self.style.SUCCESS(f"{count} rows imported"))

    def import_file(self, options: argparse.Namespace) -> int:
        """Read and store; say how many rows."""
        raise NotImplementedError

    def store_in_batches(
        self, rows: Sequence[Parsed], store: Callable[[Sequence[Parsed]], None]
    ) -> None:
        """Store portion by portion, telling how far it is when there is more than one."""
        done = 0
        for batch in batches(rows):
            store(batch)
            done += len(batch)
            if len(rows) > BATCH:
                self.stdout.write(f"{done} of {len(rows)}")


def _rows(path: Path, layout: Layout[Any]) -> Iterator[Row]:
    # Spreadsheets write a byte order mark in front of UTF-8; here it does no harm.
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = [cell.strip() for cell in next(reader, [])]
            _check_header(header, layout)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield _row(reader.line_num, header, cells)
        except (csv.Error, UnicodeDecodeError) as broken:
            reason = f"this is no CSV in UTF-8: {broken}"
            raise ImportRefused([BadRow(reader.line_num + 1, reason)]) from None


def _row(line: int, header: list[str], cells: list[str]) -> Row:
    row = Row(line, dict(zip(header, (cell.strip() for cell in cells), strict=False)))
    if len(cells) != len(header):
        row.problems.append(f"{len(cells)} cells where the header has {len(header)}")
    return row


def _check_header(header: list[str], layout: Layout[Any]) -> None:
    missing = layout.columns - set(header)
    known = layout.columns | {IGNORED}
    strange = [name for name in header if name not in known]
    strange = [name for name in strange if not re.fullmatch(layout.more_columns, name)]
    reasons = [f"the column {name} is missing" for name in sorted(missing)]
    reasons += [f"the column {name!r} is not known" for name in strange]
    reasons += ["a column stands twice"] if len(set(header)) != len(header) else []
    if reasons:
        raise ImportRefused([BadRow(1, reason) for reason in reasons])
