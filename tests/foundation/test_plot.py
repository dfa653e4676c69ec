"""Drawings are well-formed, say what they show, and their numbers stand beside them."""

import datetime as dt
from xml.etree import ElementTree as ET

from foundation.desk import plot
from foundation.desk.sections import Facts, Table, day_by_day
from payments.ledger import plot as ledger_plot

LAST = dt.date(2026, 11, 29)
DAYS = plot.days_until(LAST, count=3)


def parsed(drawing):
    """The SVG and the legend, as a parser reads them; it refuses what is not well-formed."""
    return ET.fromstring(f"<div>{drawing}</div>")  # noqa: S314 - our own drawing


def test_days_follow_one_another_and_end_with_the_last():
    assert [dt.date(2026, 11, 27), dt.date(2026, 11, 28), LAST] == DAYS


def test_a_level_is_told_in_its_unit_and_a_day_without_one_is_left_out():
    drawing = parsed(plot.levels({"a <b>": [1.5, None, 4.0]}, days=DAYS, title="Lag", unit="h"))

    said = [each.text for each in drawing.iter("title")]
    assert said == ["Lag", "2026-11-27: a <b> 1.5 h", "2026-11-29: a <b> 4.0 h"]
    assert [each.text for each in drawing.iter("text")][:2] == ["0.0 h", "4.0 h"]


def test_every_series_is_named_in_the_legend_that_wraps():
    drawing = parsed(plot.bars({"open": [1, 0, 2], "late": [0, 0, 1]}, days=DAYS, title="Cases"))

    legend = drawing.find("ul")
    assert ["".join(item.itertext()) for item in legend] == ["open", "late"]
    assert len(list(drawing.iter("rect"))) == 3


def test_drawings_of_nothing_are_drawn():
    for drawing in (
        plot.bars({"open": [0, 0, 0]}, days=DAYS, title="Cases"),
        plot.levels({"lag": [None, None, None]}, days=DAYS, title="Lag", unit="h"),
        plot.shares({"rate": [None, None, None]}, days=DAYS, title="Rate"),
    ):
        assert "nan" not in str(drawing)
        assert parsed(drawing) is not None


def test_the_numbers_are_the_newest_day_first_without_days_of_which_nothing_is_known():
    table = day_by_day({"rate": [0.5, None, 1.0]}, days=DAYS, form="{:.1%}")

    assert table.rows == [(LAST, "100.0%"), (dt.date(2026, 11, 27), "50.0%")]
    assert table.numbers == ("rate",)


def test_a_day_in_a_table_is_written_as_everywhere():
    table = Table("Days", ("Day", "Count"), [(LAST, None)])

    assert [value for _, _, value in table.body[0]] == ["2026-11-29", "—"]
    assert Facts("", [("Day", LAST)]).shown == [("Day", "2026-11-29")]


def test_the_largest_balance_is_not_cut_off():
    drawn = ledger_plot.drawing({"bank": [0, 99_999_999_999_900]}, days=DAYS[:2], currency="USD")

    assert "999,999,999,999.00 USD" in drawn
    widest = len("999,999,999,999.00 USD") * 7  # at twelve pixels a letter is no wider
    assert widest <= ledger_plot.LEFT - 8
