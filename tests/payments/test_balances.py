"""Balances, the age of what is open, and their drawing."""

import datetime as dt
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.ledger import plot
from payments.ledger.balances import Balance, DayTotal, oldest_open, trial_balance
from payments.postings import CHART

FIRST = dt.date(2026, 1, 1)


def days(*movements):
    """(debit, credit) of consecutive days of the receivable."""
    return [
        DayTotal("processor_receivable", "USD", FIRST + dt.timedelta(days=nth), debit, credit)
        for nth, (debit, credit) in enumerate(movements)
    ]


@pytest.mark.parametrize(
    ("movements", "nth"),
    [
        ([], None),
        ([(100, 100)], None),
        ([(100, 0), (0, 100)], None),
        ([(100, 0)], 0),
        ([(100, 0), (50, 100)], 1),
        ([(100, 0), (50, 99)], 0),
        ([(100, 0), (0, 0), (50, 120)], 2),
        ([(0, 30), (20, 0)], 0),
        ([(0, 30), (30, 10)], 1),
    ],
)
def test_what_came_in_first_goes_out_first(movements, nth):
    expected = None if nth is None else FIRST + dt.timedelta(days=nth)

    assert oldest_open(days(*movements)) == expected


AMOUNTS = st.integers(0, 10**12)


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=40))
def test_the_age_is_that_of_a_queue_that_is_emptied_from_its_head(movements):
    totals = days(*movements)
    net = sum(debit - credit for debit, credit in movements)
    side = 0 if net > 0 else 1
    paid = sum(movement[1 - side] for movement in movements)
    queue = [(FIRST + dt.timedelta(days=n), movement[side]) for n, movement in enumerate(movements)]
    while queue and (queue[0][1] <= paid):
        paid -= queue.pop(0)[1]

    assert oldest_open(totals) == (queue[0][0] if net and queue else None)


def test_the_trial_balance_sets_debit_balances_against_credit_balances():
    found = [
        Balance(CHART[0], "USD", 500, 200), Balance(CHART[1], "USD", 200, 500),
        Balance(CHART[2], "JPY", 7, 0), Balance(CHART[4], "JPY", 0, 7),
    ]  # fmt: skip

    rows = [(row.currency, row.debit, row.credit) for row in trial_balance(found)]

    assert rows == [("JPY", 7, 7), ("USD", 300, 300)]
    assert {row.difference for row in trial_balance(found)} == {0}


def test_closing_balances_begin_with_what_was_there_before():
    totals = days((100, 0), (0, 30), (5, 0))
    shown = [FIRST + dt.timedelta(days=nth) for nth in (1, 2, 3)]

    found = plot.closing_balances(
        totals, accounts=["processor_receivable", "bank"], currency="USD", days=shown
    )

    assert found == {"processor_receivable": [70, 75, 75], "bank": [0, 0, 0]}


@pytest.mark.parametrize("values", [[0, 0], [5, 5], [-3, 9], [-3, -1], [10**15, 0]])
def test_a_drawing_is_well_formed_and_stays_inside_its_frame(values):
    shown = plot.last_days(FIRST, len(values))
    svg = plot.drawing({"a<b>": values}, days=shown, currency="KWD")

    drawn = ElementTree.fromstring(svg)  # noqa: S314 - our own

    points = drawn.find("polyline").get("points").split()
    at = [tuple(float(number) for number in point.split(",")) for point in points]
    assert [x for x, _ in at] == [plot.LEFT, plot.WIDTH - plot.RIGHT]
    assert all(plot.TOP <= y <= plot.HEIGHT - plot.BOTTOM for _, y in at)
    assert "a<b>" in [element.text for element in drawn.iter("title")]
