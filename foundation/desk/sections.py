"""The sections a staff page is made of: facts in pairs, tables, and one merged timeline."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.utils.safestring import SafeString

from foundation.desk.staff import badge, page_of
from foundation.money import Money

NOTHING = "—"


def text_of(facts: Mapping[str, Any] | None) -> str:
    """A small JSON object as "key: value" pairs, the empty ones left out."""
    pairs = [
        f"{key}: {value}" for key, value in (facts or {}).items() if value not in (None, "", [], {})
    ]
    return ", ".join(pairs) or NOTHING


def told(value: Any) -> Any:
    """As a page prints it: a dash for nothing, and days as they are written everywhere."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    return NOTHING if value in (None, "") else value


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
        return [(word, told(value)) for word, value in self.pairs]


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
                (align, name, told(value))
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
    """What happened, oldest first: dictionaries with `at`, `kind`, `what`, and whatever else.

    Of a story that has no end the beginning and the end are drawn, and what is between is counted.
    """

    entries: Sequence[Mapping[str, Any]]
    title: str = "Timeline"
    template: ClassVar[str] = "foundation/admin/timeline.html"
    width: ClassVar[str] = "full"
    first_shown: ClassVar[int] = 100
    last_shown: ClassVar[int] = 400

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Ready to print: the day where it changes, the clock, how long since the beginning."""
        head, tail = self._ends()
        left_out = len(self.entries) - len(head) - len(tail)
        gap = [{"gap": f"{left_out:,} entries between are not shown."}] if left_out else []
        return [*self._drawn(head), *gap, *self._drawn(tail)]

    def _ends(self) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
        if len(self.entries) <= self.first_shown + self.last_shown:
            return self.entries, []
        return self.entries[: self.first_shown], self.entries[-self.last_shown :]

    def _drawn(self, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        moments = [dt.datetime.fromisoformat(str(entry["at"])) for entry in entries]
        return [
            {
                "day": "" if at.date() == before else f"{at:%A, %Y-%m-%d}",
                "iso": at.isoformat(),
                "clock": f"{at:%H:%M:%S}.{at.microsecond // 1000:03}",
                "since": elapsed((at - self._began).total_seconds()),
                "kind": entry["kind"],
                "what": _words(entry),
                "url": page_of(*entry["about"]) if "about" in entry else "",
                "actor": entry.get("actor", ""),
                "more": _more(entry),
            }
            for entry, at, before in zip(
                entries, moments, [None, *(at.date() for at in moments)], strict=False
            )
        ]

    @property
    def _began(self) -> dt.datetime:
        return dt.datetime.fromisoformat(str(self.entries[0]["at"]))


# What these say is a sentence or an address, which is told as it is.
_AS_IT_IS: Final = ("case", "webhook")


def _words(entry: Mapping[str, Any]) -> str:
    what = str(entry["what"])
    return what if entry["kind"] in _AS_IT_IS else what.replace("_", " ")


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
