"""Numbers day by day as inline SVG, drawn by hand: no package, no script, no other origin."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 220, 74, 10, 18, 26
COLORS: Final = ("#4c78a8", "#e4770a", "#54a24b", "#b279a2", "#9d755d")
_TEXT: Final = '<text x="{}" y="{}" text-anchor="{}" fill="currentColor">{}</text>'
_DOT: Final = '<circle cx="{}" cy="{}" r="4" fill="{}"><title>{}</title></circle>'
_LINE: Final = '<polyline stroke="{}" stroke-width="3" points="{}"/>'
_BAR: Final = '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"><title>{}</title></rect>'


def shares(
    series: Mapping[str, Sequence[float | None]], *, days: Sequence[dt.date], title: str
) -> SafeString:
    """Lines in percent, zero always in sight; a day of which nothing can be said is left out."""
    values = [value for line in series.values() for value in line if value is not None]
    scale = _Scale(low=min(0.0, *values, 0.0), high=max(0.01, *values, 0.01), days=len(days))
    drawn = [
        _line(color, name, line, scale, days)
        for color, (name, line) in zip(COLORS, series.items(), strict=False)
    ]
    marks = [(value, f"{value:.0%}") for value in sorted({scale.low, 0.0, scale.high})]
    return _frame(title, scale, days, marks, drawn, list(series))


def levels(
    series: Mapping[str, Sequence[float | None]], *, days: Sequence[dt.date], title: str, unit: str
) -> SafeString:
    """Lines of a measure that is never below zero, such as hours; a day without one is left out."""
    values = [value for line in series.values() for value in line if value is not None]
    scale = _Scale(low=0.0, high=max(1.0, *values, 1.0), days=len(days), form=f"{{:.1f}} {unit}")
    drawn = [
        _line(color, name, line, scale, days)
        for color, (name, line) in zip(COLORS, series.items(), strict=False)
    ]
    marks = [(value, scale.form.format(value)) for value in (0.0, scale.high)]
    return _frame(title, scale, days, marks, drawn, list(series))


def days_until(last: dt.date, *, count: int) -> list[dt.date]:
    """So many days in a row, the last one at the end."""
    return [last - dt.timedelta(days=number) for number in reversed(range(count))]


def bars(series: Mapping[str, Sequence[int]], *, days: Sequence[dt.date], title: str) -> SafeString:
    """Counts on top of each other, a column for each day."""
    most = max((sum(column) for column in zip(*series.values(), strict=True)), default=0)
    scale = _Scale(low=0.0, high=float(max(most, 1)), days=len(days))
    parts, floors = [], [0] * len(days)
    for color, (name, counts) in zip(COLORS, series.items(), strict=False):
        for nth, count in enumerate(counts):
            if count:
                top = scale.height(floors[nth] + count)
                size = f"{scale.height(floors[nth]) - top:.1f}"
                said = f"{days[nth]}: {count} {name}"
                x, width = f"{scale.x(nth) - scale.step * 0.4:.1f}", f"{scale.step * 0.8:.1f}"
                parts.append((x, f"{top:.1f}", width, size, color, said))
                floors[nth] += count
    marks = [(0.0, "0"), (scale.high, f"{scale.high:.0f}")]
    return _frame(title, scale, days, marks, [format_html_join("", _BAR, parts)], list(series))


@dataclass(frozen=True, slots=True)
class _Scale:
    """Values and days as points of the drawing; a day has a column, its point in the middle."""

    low: float
    high: float
    days: int
    form: str = "{:.1%}"  # how a value is told

    @property
    def step(self) -> float:
        """How wide a day is."""
        return (WIDTH - LEFT - RIGHT) / max(self.days, 1)

    def x(self, nth: int) -> float:
        """The middle of the nth day."""
        return LEFT + (nth + 0.5) * self.step

    def height(self, value: float) -> float:
        """How far from the top a value stands."""
        return TOP + (self.high - value) * (HEIGHT - TOP - BOTTOM) / (self.high - self.low)


def _line(
    color: str, name: str, line: Sequence[float | None], scale: _Scale, days: Sequence[dt.date]
) -> SafeString:
    told = [(nth, value) for nth, value in enumerate(line) if value is not None]
    points = " ".join(f"{scale.x(nth):.1f},{scale.height(value):.1f}" for nth, value in told)
    dots = []
    for nth, value in told:
        said = f"{days[nth]}: {name} {scale.form.format(value)}"
        dots.append((f"{scale.x(nth):.1f}", f"{scale.height(value):.1f}", color, said))
    return format_html("{}{}", format_html(_LINE, color, points), format_html_join("", _DOT, dots))


def _frame(
    title: str, scale: _Scale, days: Sequence[dt.date],
    marks: Sequence[tuple[float, str]], drawn: Sequence[SafeString], names: Sequence[str],
) -> SafeString:  # fmt: skip
    zero = f"{scale.height(0.0):.1f}"
    texts = [(LEFT - 8, f"{scale.height(v) + 4:.1f}", "end", text) for v, text in marks]
    texts += [
        (LEFT, f"{HEIGHT - BOTTOM + 20}", "start", str(days[0])),
        (WIDTH - RIGHT, f"{HEIGHT - BOTTOM + 20}", "end", str(days[-1])),
    ]
    return format_html(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" fill="none" font-size="12">'
        '<title>{}</title><line x1="{}" x2="{}" y1="{}" y2="{}" stroke="currentColor"'
        ' opacity=".4"/>{}{}</svg>{}',
        *(WIDTH, HEIGHT, title, LEFT, WIDTH - RIGHT, zero, zero),
        format_html_join("", _TEXT, texts),
        format_html_join("", "{}", [(part,) for part in drawn]),
        _legend(names),
    )


def _legend(names: Sequence[str]) -> SafeString:
    """Under the drawing, as a list that wraps where the window is narrow."""
    mark = (
        '<svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="5" fill="{}"/></svg>'
    )
    rows = [(format_html(mark, color), name) for color, name in zip(COLORS, names, strict=False)]
    return format_html('<ul class="legend">{}</ul>', format_html_join("", "<li>{}{}</li>", rows))
