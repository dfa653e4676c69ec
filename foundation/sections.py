"""The sections a staff page is made of: facts in pairs, tables, and one merged timeline."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.utils.safestring import SafeString

from foundation.money import Money
from foundation.staff import badge, page_of

NOTHING = "—"


def text_of(facts: Mapping[str, Any] | None) -> str:
    """A small JSON object as "key: value" pairs, the empty ones left out."""
    pairs = [
        f"{key}: {value}" for key, value in (facts or {}).items() if value not in (None, "", [], {})
    ]
    return ", ".join(pairs) or NOTHING


@dataclass(frozen=True)
class Facts:
    """Pairs of a word and what it is."""

    title: str
    pairs: Sequence[tuple[str, Any]]
    note: str = ""
    template: ClassVar[str] = "foundation/admin/facts.html"
    width: ClassVar[str] = "half"

    @property
    def shown(self) -> list[tuple[str, Any]]:
        """With a dash where there is nothing."""
        return [(word, NOTHING if value in (None, "") else value) for word, value in self.pairs]


@dataclass(frozen=True)
class Table:
    """Rows under headings; those named in `numbers` stand to the right."""

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]
    numbers: Sequence[str] = ()
    foot: Iterable[tuple[str, Any]] = ()
    empty: str = "Nothing yet."
    width: str = "full"
    template: ClassVar[str] = "foundation/admin/table.html"

    @property
    def headings(self) -> list[tuple[str, str]]:
        """(how it is aligned, text) of each column."""
        return [("number" if name in self.numbers else "", name) for name in self.columns]

    @property
    def body(self) -> list[list[tuple[str, str, Any]]]:
        """Each row as (how it is aligned, column, value), a dash where there is nothing."""
        return [
            [
                (align, name, NOTHING if value in (None, "") else value)
                for (align, name), value in zip(self.headings, row, strict=True)
            ]
            for row in self.rows
        ]

    @property
    def foot_span(self) -> int:
        """How many columns stand before a total."""
        return len(self.columns) - 1


@dataclass(frozen=True)
class Drawing:
    """An inline SVG that our own code drew, and the same numbers for whoever does not see it."""

    title: str
    svg: SafeString
    note: str = ""
    numbers: Table | None = None
    width: str = "full"
    template: ClassVar[str] = "foundation/admin/drawing.html"


def day_by_day(
    series: Mapping[str, Sequence[Any]], *, days: Sequence[dt.date], form: str = "{}"
) -> Table:
    """The numbers of a drawing, the newest day on top; days of which nothing is known left out."""
    lines = zip(days, *series.values(), strict=True)
    rows = [
        (day, *("" if value is None else form.format(value) for value in values))
        for day, *values in lines
        if any(value is not None for value in values)
    ]
    return Table("Day by day", ("Day", *series), rows[::-1], numbers=tuple(series))


@dataclass(frozen=True)
class Waiting:
    """Something of which there should be none: how many there are, and where they are listed."""

    text: str
    count: int
    url: str
    permission: str
    tone: str = "wait"


@dataclass(frozen=True)
class Desk:
    """What waits for a person, each as a linked number."""

    title: str
    tiles: Sequence[Waiting]
    template: ClassVar[str] = "foundation/admin/desk.html"
    width: ClassVar[str] = "full"


@dataclass(frozen=True)
class Timeline:
    """What happened, oldest first: dictionaries with `at`, `kind`, `what`, and whatever else."""

    entries: Sequence[Mapping[str, Any]]
    title: str = "Timeline"
    template: ClassVar[str] = "foundation/admin/timeline.html"
    width: ClassVar[str] = "full"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Ready to print: the day where it changes, the clock, how long since the beginning."""
        rows: list[dict[str, Any]] = []
        moments = [dt.datetime.fromisoformat(str(entry["at"])) for entry in self.entries]
        for position, (entry, at) in enumerate(zip(self.entries, moments, strict=True)):
            is_new_day = position == 0 or moments[position - 1].date() != at.date()
            rows.append(
                {
                    "day": f"{at:%A, %Y-%m-%d}" if is_new_day else "",
                    "iso": at.isoformat(),
                    "clock": f"{at:%H:%M:%S}.{at.microsecond // 1000:03}",
                    "since": elapsed((at - moments[0]).total_seconds()),
                    "kind": entry["kind"],
                    "what": str(entry["what"]).replace("_", " "),
                    "url": page_of(*entry["about"]) if "about" in entry else "",
                    "actor": entry.get("actor", ""),
                    "more": _more(entry),
                }
            )
        return rows


def elapsed(seconds: float) -> str:
    """How much later, as a person would say it: "+0.041 s", "+3 min 5 s", "+2 h 3 min"."""
    if seconds < 60:
        return f"+{max(seconds, 0):.3f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"+{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"+{hours} h {minutes} min" if hours < 48 else f"+{hours // 24} days"


def _more(entry: Mapping[str, Any]) -> list[Any]:
    more: list[Any] = []
    if "amount" in entry:
        more.append(str(Money(entry["amount"], entry["currency"])))
    if entry.get("state"):
        more.append(badge(str(entry["state"])))
    if entry.get("reason"):
        more.append(f"“{entry['reason']}”")
    return more
