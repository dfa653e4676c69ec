"""What exports of analytics look like, and how a row of one is read.

A format says which column holds what. Headings are compared in small letters, with `_` for
everything else, and without the prefixes under which BigQuery nests them.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from attribution import cleaning
from attribution.models.conversion import AMOUNT_MAX
from foundation import clock
from foundation.csv_lines import Fault
from foundation.edge.strict_fields import CONTROL_CHARACTERS
from foundation.money import EXPONENTS, minor_units

NEEDED: Final = ("transaction_id", "value", "occurred_at")
OPTIONAL: Final = ("currency", "tax", "shipping", "source", "medium", "campaign", "test", "event")
_PREFIXES: Final = re.compile("^(?:ecommerce|traffic_source)_")
_SALE: Final = "purchase"
_NOBODY: Final = frozenset({"", "(not set)", "(none)", "null", "(data not available)"})
_TRUE: Final = frozenset({"true", "yes", "1"})
_EARLIEST: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)

# name → our word → heading, as `_word` writes it
FORMATS: Final[Mapping[str, Mapping[str, str]]] = {
    "plain": {word: word for word in (*NEEDED, *OPTIONAL)},
    "ga4": {
        "transaction_id": "transaction_id",
        "value": "purchase_revenue",
        "occurred_at": "date",
        "currency": "currency",
        "tax": "tax_amount",
        "shipping": "shipping_amount",
        "source": "session_source",
        "medium": "session_medium",
        "campaign": "session_campaign",
    },
    "bigquery": {
        "transaction_id": "transaction_id",
        "value": "purchase_revenue",
        "occurred_at": "event_timestamp",
        "currency": "currency",
        "tax": "tax_value",
        "shipping": "shipping_value",
        "source": "source",
        "medium": "medium",
        "campaign": "name",
        "event": "event_name",
    },
}


class FileRefused(Exception):
    """The file has bad lines; nothing of it was stored."""

    def __init__(self, bad_lines: Sequence[Fault]) -> None:
        super().__init__(f"{len(bad_lines)} bad lines")
        self.bad_lines = list(bad_lines)


class Sale(NamedTuple):
    """A conversion before it is a row; a file may have a million of them."""

    transaction_id: str
    amount: int
    tax_amount: int
    shipping_amount: int
    currency: str
    source: str
    medium: str
    campaign: str
    is_test: bool
    occurred_at: dt.datetime


@dataclass(slots=True)
class Row:
    """One line under its headings. Reading a cell notes what is wrong with it and goes on."""

    line: int
    cells: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def get(self, word: str) -> str:
        """The cell, or nothing when the file has no such column."""
        return self.cells.get(word, "")

    def refuse(self, word: str, why: str) -> None:
        """Note that this cell is wrong."""
        self.problems.append(f"{word} {why}")


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns rows of one file into sales."""

    at: Mapping[str, int]
    currency: str
    zone: ZoneInfo

    def read(self, line: int, cells: Sequence[str]) -> Sale | Fault | None:
        """The sale, what is wrong with the row, or None for a row that is no sale."""
        row = Row(line, {word: cells[index] for word, index in self.at.items()})
        if row.get("event") not in ("", _SALE):
            return None
        found = self._sale(row)
        return Fault(line, "; ".join(row.problems)) if row.problems else found

    def _sale(self, row: Row) -> Sale:
        currency = self._currency(row)
        return Sale(
            transaction_id=_transaction(row),
            currency=currency,
            amount=_amount(row, "value", currency),
            tax_amount=_amount(row, "tax", currency),
            shipping_amount=_amount(row, "shipping", currency),
            occurred_at=self._moment(row),
            is_test=row.get("test").lower() in _TRUE,
            **_origin(*(row.get(word) for word in cleaning.ORIGIN)),
        )

    def _currency(self, row: Row) -> str:
        told = row.get("currency").upper() or self.currency
        if told not in EXPONENTS:
            row.refuse("currency", "is no ISO 4217 code")
            return ""
        return told

    def _moment(self, row: Row) -> dt.datetime:
        try:
            moment = moment_of(row.get("occurred_at"), self.zone)
        except (ValueError, OverflowError):
            row.refuse("occurred_at", "is no time: 20261124, 2026-11-24T15:00:00Z or microseconds")
            return _EARLIEST
        if not _EARLIEST <= moment <= clock.now() + dt.timedelta(days=1):
            row.refuse("occurred_at", "is not a time that was")
        return moment


def reader_for(
    header: Sequence[str], *, kind: str, renamed: Mapping[str, str], currency: str, zone: ZoneInfo
) -> Reader:
    """How to read the rows under this header. `renamed`: our word → heading, over the format's.

    Raises `FileRefused` when a column is missing, or the header stands twice.
    """
    words = [_word(cell) for cell in header]
    columns = {**FORMATS[kind], **{ours: _word(theirs) for ours, theirs in renamed.items()}}
    needed = [*NEEDED, *renamed] + ([] if currency else ["currency"])
    missing = [f"the column {columns[w]!r} is missing" for w in needed if columns[w] not in words]
    twice = [
        f"the column {name!r} stands twice" for name in columns.values() if words.count(name) > 1
    ]
    if missing or twice:
        raise FileRefused([Fault(1, reason) for reason in dict.fromkeys([*missing, *twice])])
    at = {ours: words.index(name) for ours, name in columns.items() if name in words}
    return Reader(at=at, currency=currency, zone=zone)


def moment_of(text: str, zone: ZoneInfo) -> dt.datetime:
    """A day, a day and hour, microseconds since 1970, or RFC 3339. Raises `ValueError`.

    Days and hours are the reporting time zone's; a time of day without one is no time.
    """
    if text.isascii() and text.isdecimal():
        return _from_digits(text, zone)
    if len(text) == len("2026-11-24"):
        return dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), zone)
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("without an offset")
    return moment.astimezone(dt.UTC)


def _from_digits(text: str, zone: ZoneInfo) -> dt.datetime:
    readers: Mapping[int, Callable[[], dt.datetime]] = {
        8: lambda: dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=zone),
        10: lambda: dt.datetime.strptime(text, "%Y%m%d%H").replace(tzinfo=zone),
        16: lambda: dt.datetime.fromtimestamp(int(text) / 1_000_000, dt.UTC),
    }
    if len(text) not in readers:
        raise ValueError("no such number")
    return readers[len(text)]()


def _word(heading: str) -> str:
    word = re.sub("[^a-z0-9]+", "_", heading.strip().lower()).strip("_")
    return _PREFIXES.sub("", word)


def _transaction(row: Row) -> str:
    text = row.get("transaction_id")
    if text.lower() in _NOBODY:
        row.refuse("transaction_id", "is empty: such a sale can not be compared with any order")
    elif len(text) > 100 or CONTROL_CHARACTERS.search(text):
        row.refuse("transaction_id", "is longer than 100 characters, or has control characters")
    return text


def _amount(row: Row, word: str, currency: str) -> int:
    text = row.get(word)
    if not currency or (word != "value" and not text):
        return 0
    if text.startswith("-"):
        row.refuse(word, "is negative: refunds are known here already, leave them out")
        return 0
    try:
        amount = minor_units(text, currency)
    except ValueError as wrong:
        row.refuse(word, f"is no amount: {wrong}")
        return 0
    if amount > AMOUNT_MAX:
        row.refuse(word, "is too large")
    return amount


@lru_cache(maxsize=4096)  # a file has few sources, and many rows of each
def _origin(*told: str) -> dict[str, str]:
    """As browsers' own values are cleaned; what analytics does not know is unknown."""
    pairs = zip(cleaning.ORIGIN, told, strict=True)
    return cleaning.origin({w: text for w, text in pairs if text.lower() not in _NOBODY})
