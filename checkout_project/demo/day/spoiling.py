"""A true settlement report, made wrong in known places."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence

Row = dict[str, str]
Change = Callable[[Row], Row | None]  # None: the line is left out


def leave_out(_row: Row) -> None:
    """The processor forgets the line."""
    return


def one_more(row: Row) -> Row:
    """One minor unit more than was taken."""
    return row | _amounts(row, gross=1)


def other_currency(row: Row) -> Row:
    """The same number of another money."""
    return row | {"currency": "eur"}


def dearer(row: Row) -> Row:
    """The processor keeps one minor unit more for itself."""
    return row | _amounts(row, fee=1)


def spoiled(report: bytes, changes: Mapping[tuple[str, str], Change]) -> bytes:
    """The report with each change made to the lines of one (payment at the processor, category).

    Raises `LookupError` for a change that no line is there for: it would be injected in name only.
    """
    rows, columns = _read(report)
    kept, unused = [], dict(changes)
    for row in rows:
        change = changes.get(_place(row))
        unused.pop(_place(row), None)
        found = change(row) if change else row
        if found is not None:
            kept.append(found)
    if unused:
        raise LookupError(f"there is no line of {sorted(unused)}")
    return _written(kept, columns)


def only(report: bytes, places: Sequence[tuple[str, str]]) -> bytes:
    """The lines of these (payment at the processor, category) and no others."""
    rows, columns = _read(report)
    return _written([row for row in rows if _place(row) in places], columns)


def has(report: bytes, place: tuple[str, str]) -> bool:
    """Whether it has a line of this (payment at the processor, category)."""
    return any(_place(row) == place for row in _read(report)[0])


def _place(row: Row) -> tuple[str, str]:
    return row["payment_intent_id"], row["reporting_category"]


def _amounts(row: Row, *, gross: int = 0, fee: int = 0) -> Row:
    more = {"gross": gross, "fee": fee, "net": gross - fee}
    return {name: str(int(row[name]) + by) for name, by in more.items()}


def _read(report: bytes) -> tuple[list[Row], Sequence[str]]:
    reader = csv.DictReader(io.StringIO(report.decode(), newline=""))
    return list(reader), reader.fieldnames or ()


def _written(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
