"""Matching by SQL finds what the pure matcher finds, for any two books."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciliation import breaks, pairing, runs, verdicts
from reconciliation.models import Match, ReconciliationBreak, SettlementLine
from reconciliation.sides import Difference, Grace, Pair, Side, differences, joined
from tests.reconciliation.books import (
    BEGIN,
    DAY,
    END,
    HOUR,
    Line,
    Step,
    Story,
    go_on,
    window,
    write,
)

GRACE = Grace()
MANY = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
AMOUNTS = st.sampled_from([1, 100, 101, 4298])
MOMENTS = st.integers(-120, 23).map(lambda hours: BEGIN + hours * HOUR)
STEPS = st.builds(
    Step,
    kind=st.sampled_from(
        ["authorization", "capture", "refund", "refund_failure", "chargeback",
         "chargeback_reversal", "fee", "void"]
    ),
    amount=AMOUNTS,
    at=MOMENTS,
)  # fmt: skip
LINES = st.builds(
    lambda category, amount, **rest: Line(category, _SIGN.get(category, 1) * amount, **rest),
    category=st.sampled_from(
        ["charge", "partial_capture_reversal", "refund", "refund_failure", "dispute",
         "dispute_reversal", "fee", "other"]
    ),
    amount=AMOUNTS,
    fee=st.sampled_from([0, 30, 155]),
    at=MOMENTS,
    currency=st.sampled_from(["USD", "USD", "USD", "EUR"]),
    told=st.sampled_from([1, 1, 2]),
)  # fmt: skip
_SIGN = {"partial_capture_reversal": -1, "refund": -1, "dispute": -1}
STORIES = st.builds(
    Story,
    ours=st.lists(STEPS, max_size=4),
    theirs=st.lists(LINES, max_size=4),
    is_known=st.sampled_from([True, True, True, False]),
    is_named=st.booleans(),
)


def found_by_sql():
    """key → the differences that are in the temporary table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT processor_reference, kind, amount, currency, is_waiting"
            " FROM reconciliation_found ORDER BY kind"
        )
        found = {}
        for key, kind, amount, currency, is_waiting in cursor.fetchall():
            found.setdefault(key, []).append(
                Difference(kind, amount, currency, is_waiting=is_waiting)
            )
        return found


def compared(*stories):
    """What SQL finds of these books; nothing of it stays."""
    with transaction.atomic():
        write(*stories)
        pairing.pair(window())
        verdicts.judge(window(), GRACE)
        found = found_by_sql()
        transaction.set_rollback(True)
    return found


def is_ours(story):
    """Known by the processor's id, or by our reference on one of its lines."""
    return story.is_known or (story.is_named and bool(story.theirs))


def our_side(story):
    moved = [step for step in story.ours if step.kind not in ("authorization", "void")]
    if not is_ours(story) or not moved:
        return Side()

    def total(*signs):
        return sum(
            sign * step.amount for kind, sign in signs for step in moved if step.kind == kind
        )

    return Side(
        currency=story.currency,
        captured=total(("capture", 1)),
        refunded=total(("refund", 1), ("refund_failure", -1)),
        disputed=total(("chargeback", 1), ("chargeback_reversal", -1)),
        fee=total(("fee", 1)),
        moved_at=max(step.at for step in moved),
    )


def their_side(story):
    lines = story.theirs
    if not lines:
        return Side()

    def total(*categories):
        return sum(line.gross for line in lines if line.category in categories)

    foreign = [line.currency for line in lines if line.currency != story.currency]
    return Side(
        currency=min(foreign) if foreign else story.currency,
        captured=total("charge", "partial_capture_reversal"),
        refunded=-total("refund", "refund_failure"),
        disputed=-total("dispute", "dispute_reversal"),
        fee=sum(line.fee for line in lines),
        moved_at=max(line.at for line in lines),
    )


def is_touched(story):
    """Whether the day's run looks at it at all: every line is news to the first run."""
    is_ours = story.is_known and any(
        step.at >= BEGIN and step.kind not in ("authorization", "void") for step in story.ours
    )
    return is_ours or bool(story.theirs)


@MANY
@given(stories=st.lists(STORIES, min_size=1, max_size=4))
def test_sql_finds_what_the_reference_finds(db, stories):
    expected = {}
    for story in stories:
        pair = Pair(is_ours(story), our_side(story), their_side(story))
        if is_touched(story) and (found := differences(pair, at=END, grace=GRACE)):
            expected[story.key] = found

    assert compared(*stories) == expected


def judged(the_window):
    """What SQL finds of a window, in the caller's transaction."""
    pairing.pair(the_window)
    verdicts.judge(the_window, GRACE)
    return found_by_sql()


def forget_the_pairs():
    tables = ("member", "sifted", "scope", "pair", "found")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE " + ", ".join(f"reconciliation_{name}" for name in tables))


NEXT_DAY = END + dt.timedelta(days=1)
LATER = st.integers(24, 47).map(lambda hours: BEGIN + hours * HOUR)
GOES_ON = st.tuples(
    st.lists(st.builds(replace, STEPS, at=LATER), max_size=2),
    st.lists(st.builds(replace, LINES, at=LATER), max_size=2),
    st.booleans(),
)


def even_movements(at):
    """A capture that both books have."""
    return [Step("capture", 77, at=at)], [Line("charge", 77, at=at)]


@MANY
@given(told=st.lists(st.tuples(STORIES, GOES_ON), min_size=1, max_size=3))
def test_a_second_day_finds_what_the_reference_finds_of_all_that_ever_was(db, told):
    with transaction.atomic():
        write(*(story for story, _ in told))
        first = window()
        differed = judged(first)
        breaks.record(first)
        runs._carry_forward(first)
        last = SettlementLine.objects.order_by("-pk").first()
        forget_the_pairs()
        expected = {}
        for story, (any_steps, any_lines, is_even) in told:
            steps, lines = even_movements(END + HOUR) if is_even else (any_steps, any_lines)
            go_on(story, steps, lines)
            pair = Pair(is_ours(story), our_side(story), their_side(story))
            moved = [step for step in steps if step.kind not in ("authorization", "void")]
            is_asked = bool(lines or story.key in differed or (story.is_known and moved))
            if is_asked and (found := differences(pair, at=NEXT_DAY, grace=GRACE)):
                expected[story.key] = found
        second = window(
            begin=END, end=NEXT_DAY, since=END, day=DAY + dt.timedelta(days=1), waited=DAY,
            after_line=last.pk if last else 0,
        )  # fmt: skip
        found = judged(second)
        transaction.set_rollback(True)

    assert found == expected


@MANY
@given(stories=st.lists(STORIES, min_size=2, max_size=4), size=st.integers(2, 3))
def test_what_a_person_matched_is_compared_as_one(db, stories, size):
    group = [story for story in stories[:size] if story.is_known or story.theirs]
    ours = [story for story in group if is_ours(story)]
    assume(ours and any(story.theirs for story in group))
    key = next(story.key for story in group if story.theirs)
    pairs = [Pair(is_ours(story), our_side(story), their_side(story)) for story in group]
    expected = differences(joined(pairs), at=END, grace=GRACE)
    with transaction.atomic():
        write(*stories)
        match = Match.objects.create(
            account="stripe", key=key, broken=a_break(key), ours={}, theirs={}, difference=0,
            currency="USD", matched_by="ana", reason="so",
        )  # fmt: skip
        for story in group:
            match.members.create(processor_reference=story.key)
            if is_ours(story):
                match.members.create(payment_id=story.payment.pk)
        found = judged(window())
        transaction.set_rollback(True)

    assert found.get(key, []) == expected
    others = {story.key for story in group} - {key}
    assert not others & set(found)


def a_break(key):
    return ReconciliationBreak.objects.create(
        account="stripe", kind="orphan_capture", fingerprint=f"test:{key}", amount=1,
        currency="USD", processor_reference=key, began_at=BEGIN,
    )  # fmt: skip


def kinds(*stories):
    return {kind.kind: kind.is_waiting for found in compared(*stories).values() for kind in found}


OLD = BEGIN - dt.timedelta(days=5)


def test_a_capture_in_parts_is_summed_before_it_is_compared(db):
    story = Story(
        ours=[Step("capture", 2299), Step("fee", 97)],
        theirs=[Line("charge", 4298, fee=155), Line("partial_capture_reversal", -1999, fee=-58)],
    )

    assert kinds(story) == {}


def test_midnight_splits_nothing(db):
    story = Story(
        ours=[Step("capture", 100, at=BEGIN - dt.timedelta(seconds=1))],
        theirs=[Line("charge", 100, at=BEGIN)],
    )

    assert kinds(story) == {}


@pytest.mark.parametrize(
    ("kind", "story"),
    [
        ("orphan_capture", Story(theirs=[Line("charge", 100)], is_known=False)),
        ("currency_mismatch", Story([Step("capture", 9)], [Line("charge", 9, currency="EUR")])),
        ("status_mismatch", Story([], [Line("charge", 100)])),
        ("refund_missing_local", Story([], [Line("refund", -100)])),
        ("dispute_unrecorded", Story([], [Line("dispute", -100)])),
    ],
)
def test_what_the_processor_did_and_we_do_not_know_is_a_break_at_once(db, kind, story):
    assert kinds(story) == {kind: False}


@pytest.mark.parametrize(
    ("kind", "ours", "theirs"),
    [
        ("missing_at_processor", ["capture"], []),
        ("amount_mismatch", ["capture", "capture"], ["charge"]),
        ("refund_missing_remote", ["refund"], []),
        ("fee_mismatch", ["capture", "fee"], ["charge"]),
    ],
)
@pytest.mark.parametrize("is_old", [False, True])
def test_what_we_know_may_take_two_days_to_reach_their_books(db, kind, ours, theirs, is_old):
    at = OLD if is_old else BEGIN + HOUR
    story = Story(
        [Step(each, 100, at=at) for each in ours], [Line(each, 100, at=at) for each in theirs]
    )
    if not theirs and is_old:  # touched today by nothing: it waits since it happened
        story.ours.append(Step("fee", 0, at=OLD))
    with transaction.atomic():
        write(story)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO reconciliation_waiting (account, day, processor_reference)"
                " VALUES ('stripe', '2026-03-09', %s)",
                [story.key],
            )
        pairing.pair(window())
        verdicts.judge(window(), GRACE)
        (found,) = found_by_sql()[story.key]

    assert (found.kind, found.is_waiting) == (kind, not is_old)


def test_a_payment_whose_processors_id_we_never_learned_is_known_by_our_reference(db):
    story = Story([Step("capture", 100)], [Line("charge", 100)], is_known=False, is_named=True)

    assert kinds(story) == {}


def test_what_no_id_connects_is_suggested_and_never_matched(db):
    lost = Story([], [Line("charge", 4298)], is_known=False)
    with transaction.atomic():
        ours = [Story([Step("capture", 4298)]), Story([Step("capture", 4298)])]
        write(lost, *ours, Story([Step("capture", 4299)]))
        pairing.pair(window())
        verdicts.judge(window(), GRACE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT theirs FROM reconciliation_found WHERE kind = 'orphan_capture'")
            ((theirs,),) = cursor.fetchall()
        found = found_by_sql()

    seen = json.loads(theirs)
    assert seen["may_be"] == sorted(str(story.payment.pk) for story in ours)
    assert seen["confidence"] == 0.5
    assert [each.kind for each in found[ours[0].key]] == ["missing_at_processor"]
