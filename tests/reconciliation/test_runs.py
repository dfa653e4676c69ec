"""A day is compared whole or not at all; the same trouble is one row, however often it is met."""

import datetime as dt

import pytest
from django.db import connection

from events.models import OutboxEvent
from foundation import clock
from foundation.models import Transition
from payments.models import Payout
from payments.services.payout import record_payout
from reconciliation import runs
from reconciliation.models import (
    ReconciliationBreak,
    ReconciliationRun,
    Retelling,
    SettlementLine,
    Waiting,
)
from reconciliation.refusals import DayNotOver, RunInProgress
from tests.races.crowd import at_once
from tests.reconciliation.books import BEGIN, DAY, END, HOUR, Line, Step, Story, a_report, write
from tests.stories.world import elsewhere

NEXT = DAY + dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _the_day_is_over(transactional_db):
    clock.move(END + 5 * HOUR - clock.now())


def reconcile(day=DAY):
    return runs.reconcile(account="stripe", day=day, by="test")


def found():
    return {(row.kind, row.amount, row.state) for row in ReconciliationBreak.objects.all()}


def told():
    return list(
        OutboxEvent.objects.filter(type="reconciliation.break_opened").values_list(
            "payload__kind", flat=True
        )
    )


EVEN = {"ours": [Step("capture", 100)], "theirs": [Line("charge", 100)]}
OFF_BY_ONE = {"ours": [Step("capture", 100)], "theirs": [Line("charge", 101, at=BEGIN)]}


def test_a_day_on_which_all_agree_is_completed_and_says_how_much_was_matched():
    write(Story(**EVEN), Story(**EVEN))

    run = reconcile()

    assert (run.state, run.version, run.counts["matched"]) == ("completed", 1, 2)
    assert run.counts["volume"] == {"USD": 200}
    assert found() == set()


def test_what_differs_is_a_break_with_both_sides_and_is_told_of():
    story = Story(theirs=[Line("charge", 100)], is_known=False)
    write(story, Story(**EVEN))

    run = reconcile()

    row = ReconciliationBreak.objects.get()
    assert (row.kind, row.amount, row.currency, row.state) == ("orphan_capture", 100, "USD", "open")
    assert row.theirs["captured"] == 100
    assert row.processor_reference == story.key
    assert told() == ["orphan_capture"]
    assert run.counts["matched"] == 1


def test_a_second_run_of_the_day_finds_the_same_and_opens_nothing():
    write(Story(theirs=[Line("charge", 100)], is_known=False))
    first = reconcile()

    second = reconcile()

    assert (second.version, second.digest) == (2, first.digest)
    assert second.counts["found"] == first.counts["found"]
    assert len(told()) == ReconciliationBreak.objects.count() == 1


def test_a_day_of_which_nothing_was_told_fails_and_is_no_day_without_breaks():
    run = reconcile()

    assert (run.state, run.digest) == ("failed", "")
    assert "No report tells of 2026-03-10" in run.error


@pytest.mark.parametrize("covers", [(BEGIN, END - HOUR), (BEGIN + HOUR, END)])
def test_a_report_of_a_part_of_the_day_is_not_enough(covers):
    write(Story(**EVEN), covers=covers)

    assert reconcile().state == "failed"


def test_two_reports_cover_a_day_between_them():
    a_report(covers=(BEGIN, BEGIN + 3 * HOUR))
    a_report(covers=(BEGIN + 2 * HOUR, END))

    assert reconcile().state == "completed"


def test_a_day_that_is_not_over_is_refused():
    with pytest.raises(DayNotOver):
        reconcile(NEXT)

    assert not ReconciliationRun.objects.exists()


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-30", 24)]
)
def test_a_day_is_one_of_the_processors_time_zone_with_its_change_of_clocks(settings, day, hours):
    settings.RECONCILIATION_ACCOUNTS = {"stripe": {"time_zone": "Europe/Berlin"}}

    begin, end = runs.day_of("stripe", dt.date.fromisoformat(day))

    assert (end - begin) == hours * HOUR
    assert begin.astimezone(dt.UTC).hour in (22, 23)


def test_a_capture_that_is_not_in_their_books_yet_waits_and_is_looked_at_again():
    story = Story(ours=[Step("capture", 100, at=END - HOUR)])
    write(story)
    assert reconcile().counts["found"][0]["waiting"] is True
    assert Waiting.objects.get().processor_reference == story.key
    assert found() == set()

    next_days(3)

    assert found() == {("missing_at_processor", 100, "open")}


def test_a_late_line_ends_the_break_by_itself():
    story = Story(ours=[Step("capture", 100, at=BEGIN)])
    write(story)
    reconcile()
    next_days(3)
    late = Story(theirs=[Line("charge", 100, at=BEGIN)], is_known=False, key=story.key)
    write(late, covers=(END, END + 4 * 24 * HOUR))

    next_days(1, after=3)

    assert found() == {("missing_at_processor", 100, "auto_resolved")}
    assert Transition.objects.get(to_state="auto_resolved").reason == "a later run found it gone"


def test_what_was_settled_and_is_met_again_is_reopened():
    write(Story(theirs=[Line("charge", 100)], is_known=False))
    reconcile()
    ReconciliationBreak.objects.update(state="resolved")

    reconcile()

    assert found() == {("orphan_capture", 100, "reopened")}


def test_what_was_written_off_stays_so_while_the_same_is_at_stake():
    write(Story(theirs=[Line("charge", 100)], is_known=False))
    reconcile()
    ReconciliationBreak.objects.update(state="written_off")

    reconcile()
    assert found() == {("orphan_capture", 100, "written_off")}
    ReconciliationBreak.objects.update(amount=99)

    reconcile()
    assert found() == {("orphan_capture", 100, "reopened")}


def test_of_two_who_start_at_once_one_runs_and_breaks_are_single():
    write(Story(theirs=[Line("charge", 100)], is_known=False))

    def start():
        try:
            return reconcile().state
        except RunInProgress:
            return "refused"

    ended = at_once([start] * 4)

    assert "completed" in ended
    # "failed": its row was there first, and another had the books when its turn came.
    assert set(ended) <= {"completed", "refused", "failed"}
    assert ReconciliationBreak.objects.count() == len(told()) == 1
    assert not ReconciliationRun.objects.filter(state="running").exists()


def test_a_message_that_comes_twice_does_not_end_the_run_that_is_at_work(monkeypatch):
    write(Story(theirs=[Line("charge", 100)], is_known=False))
    real, again = runs._carry_forward, []

    def meanwhile(window):
        again.append(elsewhere(lambda: runs.perform(ReconciliationRun.objects.get())))
        real(window)

    monkeypatch.setattr(runs, "_carry_forward", meanwhile)

    assert reconcile().state == "completed"
    assert again[0].state == "running"
    assert len(told()) == 1


def test_a_run_whose_runner_died_is_failed_by_the_next_one():
    a_report()
    ReconciliationRun.objects.create(
        account="stripe", day=DAY, version=1, asked_by="test", started_at=BEGIN
    )

    assert reconcile().version == 2

    assert ReconciliationRun.objects.get(version=1).error == "its runner died"


def test_a_run_that_fails_half_way_leaves_no_break_and_says_why(monkeypatch):
    write(Story(theirs=[Line("charge", 100)], is_known=False))
    monkeypatch.setattr(runs, "_carry_forward", lambda window: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        reconcile()

    run = ReconciliationRun.objects.get()
    assert (run.state, run.error) == ("failed", "ZeroDivisionError: division by zero")
    assert found() == set()
    assert told() == []


def test_lines_can_not_be_changed_or_removed():
    write(Story(theirs=[Line("charge", 100)]))

    for statement in ("UPDATE %s SET account = 'x'", "DELETE FROM %s"):
        for table in ("reconciliation_settlementline", "reconciliation_settlementreport"):
            with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
                cursor.execute(statement % table)


def test_what_is_told_of_a_closed_day_is_said_to_be_late_for_one_day():
    write(Story(**EVEN))
    reconcile()
    write(Story(ours=[], theirs=[Line("refund", -30)]), covers=(END, END + 24 * HOUR))

    next_days(1)
    assert ("late_event", 30, "open") in found()
    assert ("refund_missing_local", 30, "open") in found()

    next_days(1, after=1)
    assert ("late_event", 30, "auto_resolved") in found()
    assert ("refund_missing_local", 30, "open") in found()


def test_in_which_payout_a_line_went_may_be_told_when_its_day_was_closed():
    story = Story(**EVEN)
    write(story)
    reconcile()
    told = SettlementLine.objects.get()
    again = SettlementLine.objects.create(
        **{name: getattr(told, name) for name in _OF_A_LINE}, payout_id="po_1", digest="1" * 64,
        report=a_report(covers=(END, END + 24 * HOUR)), number=9, raw={},
    )  # fmt: skip
    Retelling.objects.create(line=again, earlier=told)

    next_days(1)

    assert found() == set()
    run = ReconciliationRun.objects.latest("day")
    assert (run.counts["pairs"], run.counts["matched"], run.counts["volume"]) == (1, 1, {})


_OF_A_LINE = (
    "account", "external_id", "category", "currency", "gross", "fee", "net", "occurred_at",
    "processor_reference",
)  # fmt: skip


def test_a_closed_day_that_is_compared_again_changes_no_break_of_a_later_one():
    story = Story(**EVEN)
    write(story)
    first = reconcile()
    write(
        Story(theirs=[Line("refund", -30, at=END + HOUR)], is_known=False, key=story.key),
        covers=(END, END + 24 * HOUR),
    )
    next_days(1)
    assert found() == {("refund_missing_local", 30, "open")}

    again = reconcile()

    assert (again.state, again.digest) == ("completed", first.digest)
    assert found() == {("refund_missing_local", 30, "open")}


def test_a_break_that_ended_later_is_not_found_again_by_a_closed_day():
    story = Story(theirs=[Line("refund", -30, at=END - HOUR)], ours=[])
    write(story)
    reconcile()
    story.payment.transactions.create(
        kind="refund", succeeded=True, amount=30, currency="USD", actor="test",
        created_at=END + HOUR,
    )  # fmt: skip
    next_days(1)
    assert found() == {("refund_missing_local", 30, "auto_resolved")}

    again = reconcile()

    assert again.counts["found"][0]["kind"] == "refund_missing_local"
    assert found() == {("refund_missing_local", 30, "auto_resolved")}


def test_days_that_were_passed_over_are_looked_at_by_the_next_run():
    write(Story(**EVEN))
    reconcile()
    lost = Story(ours=[Step("capture", 4298, at=END + HOUR)])  # of a day that nobody compares
    write(lost, covers=(END, END + 24 * HOUR))

    next_days(1, after=4)

    assert found() == {("missing_at_processor", 4298, "open")}


def test_what_waited_before_days_were_passed_over_is_looked_at_by_the_next_run():
    write(Story(ours=[Step("capture", 4298, at=END - HOUR)]))
    reconcile()
    assert found() == set()

    next_days(1, after=4)

    assert found() == {("missing_at_processor", 4298, "open")}


PAID_OUT = [Line("charge", 100, fee=3, payout_id="po_1"), Line("charge", 50, payout_id="po_1")]


def a_payout(*, line=-147, ours=147):
    lines = [*PAID_OUT, Line("payout", line, payout_id="po_1")]
    steps = [Step("capture", 150), Step("fee", 3)]
    write(Story(steps, PAID_OUT), Story([], lines[-1:], key="", is_known=False))
    if ours:
        record_payout(
            processor_reference="po_1", amount=ours, currency="USD", state="paid",
            arrives_on=None, by="test",
        )  # fmt: skip


def test_a_payout_is_the_sum_of_its_lines_and_one_of_ours():
    a_payout()

    reconcile()

    assert found() == set()


@pytest.mark.parametrize(
    ("line", "ours", "amount"), [(-147, 0, 147), (-147, 140, 7), (-150, 150, 3)]
)
def test_a_payout_that_is_not_is_a_break_and_ends_when_it_is(line, ours, amount):
    a_payout(line=line, ours=ours)

    reconcile()

    assert found() == {("payout_unmatched", amount, "open")}


def test_a_payout_that_the_processors_books_never_show_is_a_break_once_it_is_late():
    write(Story(**EVEN))
    record_payout(
        processor_reference="po_lost", amount=900, currency="USD", state="paid",
        arrives_on=None, by="test",
    )  # fmt: skip
    Payout.objects.update(created_at=BEGIN + HOUR)

    reconcile()
    assert found() == set()
    next_days(2)
    assert found() == {("payout_unmatched", 900, "open")}

    write(Story([], [Line("payout", -900, payout_id="po_lost")], key="", is_known=False))
    next_days(1, after=2)
    assert ("payout_unmatched", 900, "auto_resolved") in found()


def test_a_payout_that_was_told_to_us_later_ends_its_break():
    a_payout(ours=0)
    reconcile()
    record_payout(
        processor_reference="po_1", amount=147, currency="USD", state="paid",
        arrives_on=None, by="test",
    )  # fmt: skip

    next_days(1)

    assert found() == {("payout_unmatched", 147, "auto_resolved")}


def next_days(count, *, after=0):
    """The days that follow, each with a report of its own."""
    for number in range(after + 1, after + 1 + count):
        day = DAY + dt.timedelta(days=number)
        begin, end = runs.day_of("stripe", day)
        clock.move(end + 5 * HOUR - clock.now())
        if not ReconciliationRun.objects.filter(day=day).exists():
            a_report(covers=(begin, end))
        assert reconcile(day).state == "completed"
