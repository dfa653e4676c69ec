"""Bars as SVG, drawn by hand: no package needed, and every browser shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, ROW, BAR = 720, 300, 80, 34, 20
INK, FILL, GOAL = "#24292f", "#4c78a8", "#d62728"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a share of the limit, with the share hoped for when there is one."""

    name: str
    share: float
    goal: float | None = None


def bars(rows: Sequence[Bar]) -> str:
    """The drawing; its scale ends at the longest bar or goal."""
    longest = max(max(row.share, row.goal or 0.0) for row in rows) or 1.0
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = ROW * len(rows) + 16
    drawn = "".join(_bar(row, 8 + ROW * nth, scale) for nth, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="13" role="img">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{drawn}</svg>\n'
    )


def _bar(row: Bar, top: int, scale: float) -> str:
    width = row.share * scale
    middle = top + ROW / 2
    parts = [
        f'<text x="{LEFT - 10}" y="{middle + 4:.0f}" text-anchor="end" fill="{INK}">'
        f"{escape(row.name)}</text>",
        f'<rect x="{LEFT}" y="{middle - BAR / 2:.0f}" width="{width:.1f}" height="{BAR}" '
        f'fill="{FILL}"/>',
        f'<text x="{LEFT + width + 6:.1f}" y="{middle + 4:.0f}" fill="{INK}">{row.share:.0%}'
        "</text>",
    ]
    if row.goal is not None:
        at = LEFT + row.goal * scale
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top + 2}" y2="{top + ROW - 2}" '
            f'stroke="{GOAL}" stroke-width="2"/>'
        )
    return "".join(parts)
