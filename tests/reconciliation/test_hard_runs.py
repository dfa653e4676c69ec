"""What a run must not overlook, and must not end: late lines, midnight, young moves, odd lines."""

import datetime as dt

import pytest

from foundation import clock
from payments.services.payout import record_payout
from reconciliation import daily, runs
from reconciliation.models import ReconciliationBreak
from tests.reconciliation.books import BEGIN, DAY, END, HOUR, Line, Step, Story, a_report, write


@pytest.fixture(autouse=True)
def _the_day_is_over(transactional_db):
    clock.move(END + 5 * HOUR - clock.now())


def reconcile(day=DAY):
    run = runs.reconcile(account="stripe", day=day, by="test")
    assert run.state == "completed", run.error
    return run


def found():
    return {(row.kind, row.amount, row.state) for row in ReconciliationBreak.objects.all()}


def later(days):
    """The day so many days after the first, with a report of its own, once it is over."""
    day = DAY + dt.timedelta(days=days)
    covers = runs.day_of("stripe", day)
    clock.move(covers[1] + 5 * HOUR - clock.now())
    a_report(covers=covers)
    return reconcile(day)


def test_a_break_is_not_ended_because_something_else_moved_on_its_payment():
    story = Story(
        ours=[Step("capture", 100, at=BEGIN - 60 * HOUR)],
        theirs=[Line("charge", 101, at=BEGIN - 60 * HOUR)],
    )
    write(story)
    reconcile()
    assert found() == {("amount_mismatch", 1, "open")}
    write(
        Story(theirs=[Line("refund", -30, at=END + HOUR)], is_known=False, key=story.key),
        covers=(END, END + 24 * HOUR),
    )
    story.payment.transactions.create(
        kind="refund", succeeded=True, amount=30, currency="USD", actor="test",
        created_at=END + HOUR,
    )  # fmt: skip

    later(1)

    assert found() == {("amount_mismatch", 1, "open")}


def test_a_late_line_is_told_although_the_closed_days_were_compared_again_first():
    write(Story(ours=[Step("capture", 100)], theirs=[Line("charge", 100)]))
    reconcile()
    later(1)
    later(2)
    write(Story(theirs=[Line("charge", 4298)], is_known=False))  # of the first day

    for number in range(3):
        reconcile(DAY + dt.timedelta(days=number))

    assert ("orphan_capture", 4298, "open") in found()


def test_a_payout_of_the_last_minutes_of_a_day_is_looked_at_again_the_next_day():
    at = END - dt.timedelta(minutes=5)
    write(Story(theirs=[Line("payout", -147, payout_id="po_1", at=at)], key="", is_known=False))
    reconcile()
    assert found() == set()

    later(1)

    assert found() == {("payout_unmatched", 147, "open")}


def test_a_payout_in_another_currency_is_another_payout():
    write(Story(theirs=[Line("payout", -147, payout_id="po_1")], key="", is_known=False))
    record_payout(
        processor_reference="po_1", amount=147, currency="EUR", state="paid",
        arrives_on=None, by="test",
    )  # fmt: skip

    reconcile()

    assert found() == {("payout_unmatched", 147, "open")}


@pytest.mark.parametrize(
    "line", [Line("charge", 4298), Line("refund", -4298), Line("dispute", -4298)]
)
def test_a_line_that_names_no_payment_at_all_is_a_break(line):
    write(Story(theirs=[line], key="", is_known=False))

    run = reconcile()
    later(1)

    row = ReconciliationBreak.objects.get(kind="orphan_capture")
    assert (row.amount, row.state) == (4298, "open")
    assert row.theirs["category"] == line.category
    assert run.counts["new_breaks"] == 1


@pytest.mark.parametrize("category", ["payout", "fee", "other"])
def test_a_line_that_is_about_no_payment_is_none(category):
    write(Story(theirs=[Line(category, -100)], key="", is_known=False))

    reconcile()

    assert found() == set()


def test_an_id_as_long_as_a_line_may_have_is_no_obstacle():
    keys = ["x" * 254 + end for end in "ab"]
    write(*(Story(theirs=[Line("charge", 100)], key=key, is_known=False) for key in keys))
    payouts = (Line("payout", -100, payout_id=key) for key in keys)
    write(*(Story(theirs=[line], key="", is_known=False) for line in payouts))

    reconcile()

    assert ReconciliationBreak.objects.filter(kind="orphan_capture").count() == 2
    assert ReconciliationBreak.objects.filter(kind="payout_unmatched").count() == 2


def test_an_account_that_can_not_be_compared_does_not_keep_the_others_from_it(
    settings, monkeypatch
):
    zone = {"time_zone": "UTC"}
    settings.RECONCILIATION_ACCOUNTS = {"a_bank": zone, "stripe": zone}
    a_report()
    real = runs.reconcile

    def broken(*, account, day, by):
        if account == "a_bank":
            raise ZeroDivisionError
        return real(account=account, day=day, by=by)

    monkeypatch.setattr(runs, "reconcile", broken)

    assert daily.reconcile_due() == 1
