"""Amounts are a fold: whatever order steps arrive in, and however often, they mean the same.

And what is seen at the processor converges: views in any order, stale and repeated ones among
them, leave the books where the newest alone would have.
"""

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.amounts import Amounts, fold, settled_state
from payments.processors.base import ProcessorPayment
from payments.services.difference import between
from payments.states import PAYMENT

CASES = settings(max_examples=400, deadline=None)
PARTS = st.integers(1, 5_000)


@dataclass(frozen=True)
class Step:
    kind: str
    sequence: int
    amount: int
    succeeded: bool = True


@st.composite
def histories(draw):
    """A payment's life: held, taken in parts, the rest let go, given back, fought over."""
    captures = draw(st.lists(PARTS, max_size=4))
    rest = draw(st.integers(0, 5_000))
    held = sum(captures) + rest or 1
    steps = [Step("authorization", 1, held)]
    steps += [Step("capture", nth, part) for nth, part in enumerate(captures, 1)]
    if rest and draw(st.booleans()):
        steps.append(Step("void", 1, rest))
    steps += draw(_gone_again(sum(captures)))
    steps += [replace(each, succeeded=False, sequence=9) for each in draw(_some_of(steps))]
    return steps


@st.composite
def _gone_again(draw, taken):
    """Refunds, some of which come back, and disputes, some won; never above `taken`."""
    steps, nth = [], 0
    while taken > 0 and draw(st.booleans()):
        nth += 1
        part = draw(st.integers(1, taken))
        out, back = draw(
            st.sampled_from([("refund", "refund_failure"), ("chargeback", "chargeback_reversal")])
        )
        steps.append(Step(out, nth, part))
        if draw(st.booleans()):
            steps.append(Step(back, nth, part))
        else:
            taken -= part
    return steps


def _some_of(steps):
    return st.lists(st.sampled_from(steps), max_size=3)


@CASES
@given(history=histories(), data=st.data(), is_disputed=st.booleans())
def test_any_order_and_any_repeats_of_the_same_steps_mean_the_same(history, data, is_disputed):
    repeats = data.draw(_some_of(history))
    shuffled = data.draw(st.permutations([*history, *repeats]))

    amounts = fold(history)

    assert fold(shuffled) == amounts
    assert settled_state(fold(shuffled), is_disputed=is_disputed) == settled_state(
        amounts, is_disputed=is_disputed
    )


@CASES
@given(history=histories())
def test_no_history_takes_more_than_was_held_or_gives_back_more_than_was_taken(history):
    amounts = fold(history)

    assert 0 <= amounts.captured + amounts.voided <= amounts.authorized
    assert 0 <= amounts.refunded + amounts.charged_back <= amounts.captured
    assert amounts.capturable + amounts.captured + amounts.voided == amounts.authorized
    assert amounts.refundable + amounts.refunded + amounts.charged_back == amounts.captured


@CASES
@given(history=histories())
def test_the_state_says_what_the_amounts_say(history):
    amounts, state = fold(history), settled_state(fold(history))

    assert (state == "voided") == (amounts.captured == 0 and amounts.capturable == 0)
    assert (state == "authorized") == (amounts.captured == 0 and amounts.capturable > 0)
    if state == "refunded":
        assert amounts.refundable == 0
    if state == "partially_captured":
        assert amounts.captured > 0 < amounts.capturable


@CASES
@given(history=histories(), data=st.data())
def test_every_step_of_any_history_is_a_legal_move(history, data):
    """Booked without a claim (it happened elsewhere), and at the end of one of ours."""
    hold, *steps = [step for step in history if step.succeeded]
    sequence = [hold]
    for step in data.draw(_in_an_order_that_can_be(steps)):
        before, after = fold(sequence), fold([*sequence, step])
        sequence.append(step)
        for is_disputed in (False, True) if before.captured else (False,):
            origin = settled_state(before, is_disputed=is_disputed)
            target = settled_state(after, is_disputed=is_disputed)
            assert target in (origin, *PAYMENT.moves[origin]), (origin, target, step)
            claim = {"capture": "capturing", "void": "voiding"}.get(step.kind)
            if claim in PAYMENT.moves[settled_state(before)]:
                assert target in PAYMENT.moves[claim], (claim, target, step)


@CASES
@given(history=histories())
def test_a_dispute_may_open_and_close_whatever_was_taken(history):
    amounts = fold(history)
    if amounts.captured:
        calm, disputed = settled_state(amounts), settled_state(amounts, is_disputed=True)
        assert disputed in PAYMENT.moves[calm]
        assert calm in PAYMENT.moves[disputed]


def _in_an_order_that_can_be(steps):
    """Captures before what gives back, by their numbers; the release anywhere among them."""
    order = {"capture": 0, "void": 0, "refund": 1, "chargeback": 1}
    late = [step for step in steps if step.kind == "capture" and step.sequence > 1]
    rest = sorted(
        (step for step in steps if step not in late),
        key=lambda step: (order.get(step.kind, 2), step.sequence),
    )
    return st.sampled_from([rest + late, sorted(steps, key=lambda s: order.get(s.kind, 2))])


@st.composite
def lives_at_the_processor(draw):
    """One payment as the processor shows it, from the hold to its end, in the order of time."""
    held, taken, fee = draw(st.integers(1, 10_000)), 0, 0
    hold = ProcessorPayment("pi_1", "authorized", held, "USD", capturable_amount=held)
    views = [hold]
    for part in draw(st.lists(st.integers(1, held), max_size=3)):
        if taken + part <= held:
            taken, fee = taken + part, fee + 30
            known = draw(st.sampled_from([None, fee]))
            views.append(replace(hold, captured_amount=taken, fee_amount=known))
    if draw(st.booleans()):
        status = "captured" if taken else "canceled"
        views.append(replace(hold, status=status, captured_amount=taken, fee_amount=fee))
    return views


def observed(known, seen):
    found = between(known, seen)
    return Amounts(
        authorized=known.authorized + found.authorized,
        captured=known.captured + found.captured,
        voided=known.voided + found.released,
        fees=known.fees + found.fee,
    )


@CASES
@given(views=lives_at_the_processor(), data=st.data())
def test_views_in_any_order_and_repeated_leave_the_books_where_the_newest_does(views, data):
    start, newest = Amounts(authorized=views[0].amount), views[-1]
    repeats = data.draw(st.lists(st.sampled_from(views), max_size=4))
    books = start
    for seen in data.draw(st.permutations([*views, *repeats])):
        books = observed(books, seen)

    in_order = start
    for seen in views:
        in_order = observed(in_order, seen)

    assert (books.captured, books.voided) == (in_order.captured, in_order.voided)
    assert books.fees == in_order.fees
    assert books.captured == newest.captured_amount
    assert between(books, newest).is_nothing


@CASES
@given(views=lives_at_the_processor())
def test_a_view_that_was_booked_differs_in_nothing(views):
    books = Amounts(authorized=views[0].amount)
    for seen in views:
        books = observed(books, seen)
        assert between(books, seen).is_nothing
