"""The demo's day injects what it says, and its checkers see it when a report misses any of it."""

import csv
import io
from collections import Counter

import pytest

from checkout_project.demo.day import found, shoppers, spoiling
from checkout_project.demo.stories import comparing
from reconciliation.models import ReconciliationBreak

CLASSES = tuple(ReconciliationBreak.Kind.values)
REPORT = (
    b"payment_intent_id,reporting_category,currency,gross,fee,net,note\n"
    b'pi_1,charge,usd,4298,155,4143,"two\nlines"\n'
    b"pi_1,refund,usd,-500,0,-500,\n"
    b"pi_2,charge,usd,4298,155,4143,\n"
)


def rows(report):
    read = csv.DictReader(io.StringIO(report.decode(), newline=""))
    return [tuple(row[name] for name in ("payment_intent_id", "reporting_category", "currency",
                                         "gross", "fee", "net")) for row in read]  # fmt: skip


CHARGE = ("pi_1", "charge", "usd", "4298", "155", "4143")
REFUND = ("pi_1", "refund", "usd", "-500", "0", "-500")
OTHER = ("pi_2", "charge", "usd", "4298", "155", "4143")


@pytest.mark.parametrize(
    ("place", "change", "expected"),
    [
        (("pi_1", "charge"), spoiling.leave_out, [REFUND, OTHER]),
        (("pi_1", "refund"), spoiling.leave_out, [CHARGE, OTHER]),
        (
            ("pi_1", "charge"),
            spoiling.one_more,
            [("pi_1", "charge", "usd", "4299", "155", "4144"), REFUND, OTHER],
        ),
        (
            ("pi_2", "charge"),
            spoiling.dearer,
            [CHARGE, REFUND, ("pi_2", "charge", "usd", "4298", "156", "4142")],
        ),
        (
            ("pi_2", "charge"),
            spoiling.other_currency,
            [CHARGE, REFUND, ("pi_2", "charge", "eur", "4298", "155", "4143")],
        ),
    ],
)
def test_one_line_of_the_report_is_spoiled_and_the_others_are_as_they_were(place, change, expected):
    assert rows(spoiling.spoiled(REPORT, {place: change})) == expected


def test_a_change_without_its_line_is_no_injection():
    with pytest.raises(LookupError, match="pi_3"):
        spoiling.spoiled(REPORT, {("pi_3", "charge"): spoiling.one_more})


def test_an_untouched_report_stays_byte_for_byte():
    assert spoiling.spoiled(REPORT, {}) == REPORT


def test_a_late_line_comes_alone():
    assert rows(spoiling.only(REPORT, [("pi_2", "charge")])) == [OTHER]
    assert spoiling.has(REPORT, ("pi_2", "charge"))
    assert not spoiling.has(REPORT, ("pi_2", "refund"))


def test_every_change_of_the_report_has_a_sale_of_its_own():
    assert set(comparing.IN_THE_REPORT) <= set(shoppers.SETTLED)
    assert set(comparing.IN_THE_REPORT) <= set(CLASSES)


def test_the_gap_that_is_expected_counts_each_sale_in_its_outcome():
    gap = shoppers.expected([*shoppers.SETTLED.values(), *shoppers.HELD.values()])

    assert gap == {
        "matched": 6, "differing value_differs": 1, "duplicate": 1, "missing consent_denied": 2,
        "missing no_client_id": 1, "missing unknown": 4, "extra unknown": 1,
        "extra test_traffic": 1,
    }  # fmt: skip
    missing = sum(count for name, count in gap.items() if name.startswith("missing"))
    assert gap["matched"] + missing == len(shoppers.SETTLED) + len(shoppers.HELD)


BREAKS = [{"kind": kind, "status": "open"} for kind in CLASSES]
TOTALS = [
    {
        "missing": {"unknown": {"count": 2}, "sent_late": {"count": 0}},
        "extra": {"unknown": {"count": 1}},
        "differing": {"value_differs": {"count": 0}},
        "duplicates": {"count": 1},
        "matched": 3,
    }
]
GAP = {"missing unknown": 2, "extra unknown": 1, "duplicate": 1, "matched": 3}


def broken(**changes):
    told = {
        "classes": CLASSES, "injected": Counter(CLASSES), "breaks": BREAKS, "gap_injected": GAP,
        "gap_totals": TOTALS,
    }  # fmt: skip
    return [each.text for each in found.day(**told | changes) if not each.kept]


def test_reports_that_find_everything_are_believed():
    assert broken() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"breaks": BREAKS[1:]},
        {"breaks": [*BREAKS, BREAKS[0]]},
        {"breaks": [*BREAKS[1:], {"kind": BREAKS[0]["kind"], "status": "resolved"}]},
        {"injected": Counter(CLASSES[1:]), "breaks": BREAKS[1:]},
        {"gap_totals": []},
        {"gap_injected": GAP | {"missing unknown": 3}},
        {"gap_injected": GAP | {"missing sent_late": 1}},
        {"gap_injected": {name: count for name, count in GAP.items() if name != "duplicate"}},
    ],
)
def test_a_report_that_misses_or_invents_something_is_caught(changes):
    assert broken(**changes)


def test_the_table_has_injected_next_to_found_and_marks_what_differs():
    lines = found.table(("class", "found"), {"a": 1, "b": 1}, {"a": 1, "c": 2})

    assert [line.split() for line in lines] == [
        ["class", "injected", "found"],
        ["a", "1", "1"],
        ["b", "1", "0", "DIFFERS"],
        ["c", "0", "2", "DIFFERS"],
    ]


def test_what_became_of_the_breaks_is_told_by_state():
    breaks = [{"kind": "b", "status": "open"}, {"kind": "c", "status": "auto_resolved"},
              {"kind": "a", "status": "open"}]  # fmt: skip

    assert found.outcomes(breaks) == ["auto_resolved: c", "open: a, b"]
