"""What a person says belongs together is compared as one, until it is taken back."""

import datetime as dt

import pytest
from django.db import transaction

from foundation import clock
from foundation.errors import NotFound
from foundation.ids import new_id
from foundation.models import AuditEntry
from foundation.transactions import durable
from reconciliation import by_hand, handling, runs
from reconciliation.by_hand import Claim
from reconciliation.models import Match, ReconciliationBreak, Unmatch
from reconciliation.refusals import (
    BreakNotOpen,
    MatchedAlready,
    NotMatchable,
    RunInProgress,
    SecondPersonNeeded,
    SumsDiffer,
)
from tests.races.crowd import at_once
from tests.reconciliation.books import BEGIN, DAY, END, HOUR, Line, Step, Story, a_report, write

OLD = BEGIN - dt.timedelta(days=5)  # no difference of then is a matter of time any more


@pytest.fixture(autouse=True)
def _the_day_is_over(transactional_db):
    clock.move(END + 5 * HOUR - clock.now())


@pytest.fixture
def ours():
    """Two payments of ours that the processor shows nothing of."""
    return [Story([Step("capture", 30), Step("fee", 1)]), Story([Step("capture", 70)])]


@pytest.fixture
def lost(settings, ours):
    """One movement there, under an id that nobody here knows: their sum."""
    settings.RECONCILIATION_SETTLED_SECONDS = 0.0
    story = Story(theirs=[Line("charge", 100, fee=1)], is_known=False)
    write(story, *ours)
    reconcile()
    return ReconciliationBreak.objects.get(processor_reference=story.key)


def reconcile(days=0):
    day = DAY + dt.timedelta(days=days)
    if days:
        begin, end = runs.day_of("stripe", day)
        clock.move(end + 5 * HOUR - clock.now())
        a_report(covers=(begin, end))
    return runs.reconcile(account="stripe", day=day, by="test")


def match(row, *stories, by="ana", reason="the bank says so", **claim):
    payments = [story.payment.pk for story in stories]
    with durable():
        return by_hand.match(row.pk, Claim(payments, reason, **claim), by=by)


def unmatch(row, *, by="ana", reason="it was not so"):
    with durable():
        return by_hand.unmatch(row.pk, by=by, reason=reason)


def found():
    return {
        (row.kind, row.amount, row.state)
        for row in ReconciliationBreak.objects.exclude(state="auto_resolved")
    }


BROKEN = {
    ("orphan_capture", 100, "open"),
    ("missing_at_processor", 30, "open"),
    ("missing_at_processor", 70, "open"),
}
MATCHED = {(kind, amount, "resolved") for kind, amount, _ in BROKEN}
AGAIN = {(kind, amount, "reopened") for kind, amount, _ in BROKEN}


def test_one_movement_is_matched_with_two_payments_and_their_breaks_end(lost, ours):
    assert found() == BROKEN

    made = match(lost, *ours)

    assert found() == MATCHED
    assert (made.difference, made.currency, len(made.closed)) == (0, "USD", 3)
    assert (made.ours["captured"], made.theirs["captured"]) == (100, 100)
    entry = AuditEntry.objects.get(action="break.match")
    assert (entry.actor, entry.reason) == ("ana", "the bank says so")


def test_the_next_runs_compare_it_as_one_and_find_nothing(lost, ours):
    match(lost, *ours)

    for run in (reconcile(), reconcile(days=1), reconcile(days=2)):
        assert (run.state, run.counts["found"]) == ("completed", [])
        assert run.counts["pairs"] == run.counts["matched"] == 1
    assert found() == MATCHED


def test_taken_back_its_breaks_are_open_again_and_found_by_the_next_run(lost, ours):
    made = match(lost, *ours)
    reconcile(days=1)

    unmatch(made)

    assert found() == AGAIN
    run = reconcile(days=2)
    assert {each["kind"] for each in run.counts["found"]} == {kind for kind, _, _ in BROKEN}
    assert found() == AGAIN
    assert Unmatch.objects.get().undone_by == "ana"


def test_a_matched_payment_that_moves_again_there_is_a_break_again(lost, ours):
    match(lost, *ours)
    write(
        Story(theirs=[Line("refund", -40, at=END + HOUR)], is_known=False,
              key=lost.processor_reference),
        covers=(END, END),
    )  # fmt: skip

    reconcile(days=1)

    assert found() == MATCHED | {("refund_missing_local", 40, "open")}


def test_sums_that_differ_are_refused_and_nothing_is_written(lost, ours):
    with pytest.raises(SumsDiffer) as refused:
        match(lost, ours[0])

    assert refused.value.extra["ours"]["captured"] == 30
    assert found() == BROKEN
    assert not Match.objects.exists()


def test_what_differs_may_stay_a_break_of_its_own_until_it_is_taken_back(lost, ours):
    made = match(lost, ours[0], keeps_difference=True)

    rest = {("amount_mismatch", 70, "open"), ("missing_at_processor", 70, "open")}
    assert made.difference == 70
    assert found() == rest | {
        ("orphan_capture", 100, "resolved"),
        ("missing_at_processor", 30, "resolved"),
    }
    reconcile(days=1)
    assert found() >= rest

    unmatch(made)
    reconcile(days=2)
    assert ("amount_mismatch", 70, "open") not in found()


def test_several_ids_of_the_processor_may_belong_to_one_payment(settings):
    settings.RECONCILIATION_SETTLED_SECONDS = 0.0
    one = Story([Step("capture", 100)])
    parts = [Story(theirs=[Line("charge", part)], is_known=False) for part in (60, 40)]
    write(one, *parts)
    reconcile()
    row = ReconciliationBreak.objects.get(processor_reference=parts[0].key)

    match(row, one, references=[parts[1].key])

    assert {state for _, _, state in found()} == {"resolved"}
    assert reconcile(days=1).counts["found"] == []


def test_what_belongs_to_a_match_belongs_to_no_other(lost, ours, settings):
    match(lost, *ours)
    other = Story(theirs=[Line("charge", 100, fee=1, at=END + HOUR)], is_known=False)
    write(other, covers=(END, END))
    reconcile(days=1)
    row = ReconciliationBreak.objects.get(processor_reference=other.key)

    with pytest.raises(MatchedAlready):
        match(row, *ours)

    unmatch(Match.objects.get())
    assert match(row, *ours).key == other.key


def test_a_match_is_taken_back_once(lost, ours):
    made = match(lost, *ours)
    unmatch(made)

    with pytest.raises(MatchedAlready):
        unmatch(made)
    with pytest.raises(NotFound), durable():
        by_hand.unmatch(new_id(), by="ana", reason="no")


def test_from_an_amount_on_it_takes_two(lost, ours, settings):
    settings.RECONCILIATION_WRITE_OFF_ALONE = 100

    with pytest.raises(SecondPersonNeeded):
        match(lost, *ours)
    handling.take(lost.pk, by="ana", reason="mine")
    with pytest.raises(SecondPersonNeeded):
        match(lost, *ours)

    assert match(lost, *ours, by="ben").matched_by == "ben"
    assert found() == MATCHED


def test_what_can_not_be_matched_is_refused(lost, ours):
    with pytest.raises(NotMatchable, match="Nothing was told of pi_nowhere"):
        match(lost, *ours, references=["pi_nowhere"])
    with pytest.raises(NotMatchable, match="At least one payment"):
        match(lost)
    with pytest.raises(NotMatchable, match="not of stripe"), durable():
        by_hand.match(lost.pk, Claim([new_id()], "why"), by="ana")
    handling.resolve(lost.pk, by="ana", reason="seen to")
    with pytest.raises(BreakNotOpen):
        match(lost, *ours)


def test_looked_at_it_shows_both_sides_and_writes_nothing(lost, ours):
    with transaction.atomic():
        seen = by_hand.look(lost, Claim([story.payment.pk for story in ours], ""))

    assert (seen.is_even, seen.difference) == (True, 0)
    assert {(each.kind, each.amount) for each in seen.ends} == {(k, a) for k, a, _ in BROKEN}
    assert found() == BROKEN


def test_of_two_who_match_at_once_one_does(lost, ours):
    def say():
        try:
            return match(lost, *ours).matched_by
        except (RunInProgress, BreakNotOpen, MatchedAlready) as refused:
            return type(refused).__name__

    ended = at_once([say] * 3)

    assert ended.count("ana") == Match.objects.count() == 1
    assert found() == MATCHED


def test_what_was_said_can_not_be_changed(lost, ours):
    made = match(lost, *ours)

    with pytest.raises(Exception, match="append-only"):
        Match.objects.filter(pk=made.pk).update(reason="otherwise")
    with pytest.raises(Exception, match="append-only"):
        made.members.all().delete()
