"""Balances day by day as inline SVG, drawn by hand: no package, no script, no other origin."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from foundation.money import Money
from payments.ledger.balances import DayTotal

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = (
    760,
    220,
    170,
    10,
    12,
    44,
)  # room for 999,999,999,999.00 USD
LINE: Final = 14  # the height of a line of text
COLORS: Final = ("#4c78a8", "#e4770a", "#54a24b")


def closing_balances(
    totals: Sequence[DayTotal], *, accounts: Sequence[str], currency: str, days: Sequence[dt.date]
) -> dict[str, list[int]]:
    """Each account's balance at the end of each of `days` (which follow one another)."""
    found = {}
    for account in accounts:
        changes = _changes(totals, account, currency)
        running = sum(change for day, change in changes.items() if day < days[0])
        closing = []
        for day in days:
            running += changes.get(day, 0)
            closing.append(running)
        found[account] = closing
    return found


def last_days(today: dt.date, count: int) -> list[dt.date]:
    """`count` days that end with `today`."""
    return [today - dt.timedelta(days=count - 1 - nth) for nth in range(count)]


def drawing(
    series: Mapping[str, Sequence[int]], *, days: Sequence[dt.date], currency: str
) -> SafeString:
    """One line for each account over `days` (at least two), zero always in sight."""
    values = [value for line in series.values() for value in line]
    scale = _Scale(low=min(0, *values), high=max(0, *values), days=len(days))
    lines = [
        (color, " ".join(scale.point(nth, value) for nth, value in enumerate(line)), name)
        for color, (name, line) in zip(COLORS, series.items(), strict=False)
    ]
    return format_html(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" fill="none" font-size="12">'
        "<title>Balances in {} from {} to {}</title>{}{}{}</svg>",
        *(WIDTH, HEIGHT, currency, days[0], days[-1]),
        _axes(scale, days, currency),
        format_html_join("", _LINE, lines),
        _legend([(color, name) for color, _, name in lines]),
    )


@dataclass(frozen=True)
class _Scale:
    """Amounts and days as points of the drawing."""

    low: int
    high: int
    days: int

    def point(self, nth: int, value: int) -> str:
        """ "x,y" of an amount on the nth day."""
        x = LEFT + nth * (WIDTH - LEFT - RIGHT) / (self.days - 1)
        return f"{x:.1f},{self.height(value):.1f}"

    def height(self, value: int) -> float:
        """How far from the top an amount stands."""
        return TOP + (self.high - value) * (HEIGHT - TOP - BOTTOM) / ((self.high - self.low) or 1)


_LINE: Final = '<polyline stroke="{}" stroke-width="2" points="{}"><title>{}</title></polyline>'
_TEXT: Final = '<text x="{}" y="{}" text-anchor="{}" fill="currentColor">{}</text>'


def _changes(totals: Sequence[DayTotal], account: str, currency: str) -> dict[dt.date, int]:
    return {
        total.day: total.debit - total.credit
        for total in totals
        if (total.account, total.currency) == (account, currency)
    }


def _axes(scale: _Scale, days: Sequence[dt.date], currency: str) -> SafeString:
    """Zero, the extremes, and the first and last day."""
    marks = [
        (LEFT - 8, f"{scale.height(value) + 4:.1f}", "end", Money(value, currency))
        for value in _marked(scale)
    ]
    dates = [
        (LEFT, HEIGHT - BOTTOM + 16, "start", days[0]),
        (WIDTH - RIGHT, HEIGHT - BOTTOM + 16, "end", days[-1]),
    ]
    zero = f"{scale.height(0):.1f}"
    return format_html(
        '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="currentColor" opacity=".4"/>{}',
        *(LEFT, WIDTH - RIGHT, zero, zero),
        format_html_join("", _TEXT, [*marks, *dates]),
    )


def _marked(scale: _Scale) -> list[int]:
    """The extremes, and zero where it does not stand on top of one of them."""
    extremes = {scale.low, scale.high}
    is_clear = all(abs(scale.height(0) - scale.height(value)) > LINE for value in extremes)
    return sorted(extremes | {0} if is_clear else extremes)


def _legend(names: Sequence[tuple[str, str]]) -> SafeString:
    mark = '<circle cx="{}" cy="{}" r="5" fill="{}"/>' + _TEXT
    rows = [
        (LEFT + 190 * nth, HEIGHT - 10, color, LEFT + 190 * nth + 10, HEIGHT - 6, "start", name)
        for nth, (color, name) in enumerate(names)
    ]
    return format_html_join("", mark, rows)
