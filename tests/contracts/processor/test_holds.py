"""Holding money, taking it, and letting it go."""

import pytest

from foundation import clock
from payments.processors.base import Declined
from tests.contracts.processor.conftest import a_key, a_reference

MANY = "pm_card_visa__multicapture"


def refused(call, *arguments, **named):
    with pytest.raises(Declined) as declined:
        call(*arguments, **named)
    return declined.value


def amounts(seen):
    """captured, still capturable, released, refunded"""
    return (
        seen.captured_amount, seen.capturable_amount, seen.released_amount, seen.refunded_amount,
    )  # fmt: skip


def test_a_hold_tells_its_amount_its_network_and_its_deadline(world):
    held = world.hold()

    assert (held.status, held.amount, held.currency) == ("authorized", 2000, "USD")
    assert (held.network, held.multicapture, held.disputed) == ("visa", False, False)
    assert held.capture_before > clock.now()
    assert amounts(held) == (0, 2000, 0, 0)


def test_a_hold_has_cost_nothing_yet_and_a_capture_has(world):
    held = world.hold()
    assert held.fee_amount is None

    taken = world.capture(held)

    assert taken.fee_amount == 88
    assert world.seen(held).fee_amount == 88


def test_a_full_capture_leaves_nothing_to_take_or_let_go(world):
    taken = world.capture(world.hold())

    assert taken.status == "captured"
    assert amounts(taken) == amounts(world.seen(taken)) == (2000, 0, 0, 0)


def test_a_partial_capture_lets_go_of_the_rest_and_that_is_no_refund(world):
    held = world.hold()
    taken = world.capture(held, 1500)

    assert taken.status == "captured"
    assert amounts(taken) == amounts(world.seen(held)) == (1500, 0, 500, 0)
    assert world.port.list_refunds(processor_reference=held.processor_reference) == []


def test_the_fee_of_a_partial_capture_is_known_to_a_look_up(world):
    held = world.hold()
    world.capture(held, 1500)

    assert world.seen(held).fee_amount == 74  # 2.9 % and 30, of what was taken


def test_more_than_was_authorized_is_not_captured(world):
    held = world.hold()

    refused(world.capture, held, 2001)

    assert amounts(world.seen(held)) == (0, 2000, 0, 0)


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_and_less_than_nothing_is_not_captured(world, amount):
    held = world.hold()

    refused(world.capture, held, amount)

    assert world.seen(held).status == "authorized"


def test_what_is_captured_is_not_captured_again(world):
    held = world.hold()
    world.capture(held, 1500)

    again = refused(world.capture, held, 500)

    assert again.payment.status == "captured"
    assert world.seen(held).captured_amount == 1500


def test_what_is_voided_is_not_captured(world):
    held = world.hold()
    world.void(held)

    assert refused(world.capture, held).payment.status == "canceled"


def test_a_void_lets_everything_go(world):
    held = world.hold()

    gone = world.void(held)

    assert gone.status == "canceled"
    assert amounts(gone) == amounts(world.seen(held)) == (0, 0, 2000, 0)
    assert world.port.list_refunds(processor_reference=held.processor_reference) == []


def test_a_second_void_is_refused_and_shows_what_the_first_one_did(world):
    held = world.hold()
    world.void(held)

    assert refused(world.void, held).payment.status == "canceled"


def test_a_void_of_what_is_captured_is_refused_and_changes_nothing(world):
    held = world.hold()
    world.capture(held)

    assert refused(world.void, held).payment.status == "captured"
    assert amounts(world.seen(held)) == (2000, 0, 0, 0)


def test_a_hold_that_ran_out_is_canceled_and_can_not_be_taken(world):
    held = world.hold()

    world.backstage.expire(held.processor_reference)

    assert world.seen(held).status == "canceled"
    assert amounts(world.seen(held)) == (0, 0, 2000, 0)
    assert refused(world.capture, held).payment.status == "canceled"


def test_a_hold_that_ran_out_is_told_from_one_that_somebody_let_go(world):
    ran_out, let_go, lives = world.hold(), world.hold(), world.hold()

    world.backstage.expire(ran_out.processor_reference)
    world.port.void(processor_reference=let_go.processor_reference, key=a_key())

    said = [world.seen(each).is_expired for each in (ran_out, let_go, lives)]
    assert said == [True, False, None]


# Several captures of one hold.


def test_a_hold_that_takes_one_capture_refuses_to_wait_for_more(world):
    held = world.hold()

    refused(world.capture, held, 500, final=False)

    assert amounts(world.seen(held)) == (0, 2000, 0, 0)


def test_a_hold_that_takes_several_is_authorized_until_the_last(world):
    held = world.hold(method=MANY)
    assert held.multicapture

    first = world.capture(held, 500, final=False)
    second = world.capture(held, 700, final=False)
    last = world.capture(held, 100)

    assert (first.status, amounts(first)) == ("authorized", (500, 1500, 0, 0))
    assert (second.status, amounts(second)) == ("authorized", (1200, 800, 0, 0))
    assert (last.status, amounts(last)) == ("captured", (1300, 0, 700, 0))
    assert amounts(world.seen(held)) == (1300, 0, 700, 0)


def test_each_of_several_captures_costs_its_own_fee(world):
    held = world.hold(method=MANY)
    world.capture(held, 500, final=False)
    world.capture(held, 1500)

    assert world.seen(held).fee_amount == 45 + 74


def test_several_captures_never_sum_to_more_than_was_held(world):
    held = world.hold(method=MANY)
    world.capture(held, 1500, final=False)

    refused(world.capture, held, 501, final=False)

    assert amounts(world.seen(held)) == (1500, 500, 0, 0)


def test_a_capture_of_all_that_is_left_is_the_last_one_whatever_it_says(world):
    held = world.hold(method=MANY)
    world.capture(held, 1500, final=False)

    assert world.capture(held, 500, final=False).status == "captured"


def test_a_void_after_a_capture_lets_go_of_the_rest_and_keeps_what_was_taken(world):
    held = world.hold(method=MANY)
    world.capture(held, 500, final=False)

    gone = world.void(held)

    assert (gone.status, amounts(gone)) == ("captured", (500, 0, 1500, 0))
    assert amounts(world.seen(held)) == (500, 0, 1500, 0)


def test_a_hold_that_ran_out_keeps_what_was_taken_of_it(world):
    held = world.hold(method=MANY)
    world.capture(held, 500, final=False)

    world.backstage.expire(held.processor_reference)

    seen = world.seen(held)
    assert (seen.status, amounts(seen)) == ("captured", (500, 0, 1500, 0))


# Who is asked, and who says no.


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_noSuchCard", "resource_missing"),
    ],
)
def test_a_final_no_holds_nothing_and_says_why(world, method, code):
    reference = a_reference("pay")

    assert refused(world.hold, method=method, reference=reference).code == code

    found = world.port.find(reference=reference, processor_reference="", since=clock.now())
    assert found is None or (found.status, found.capturable_amount) == ("declined", 0)


def test_a_cardholder_who_must_act_is_waited_for_and_then_held(world):
    asked = world.hold(method="pm_card_authenticationRequired")
    assert (asked.status, asked.capturable_amount) == ("requires_action", 0)
    assert asked.next_action

    world.backstage.authenticate(asked.processor_reference)

    assert world.seen(asked).status == "authorized"


def test_a_challenge_given_up_lets_nothing_go_because_nothing_was_held(world):
    asked = world.hold(method="pm_card_authenticationRequired")

    gone = world.void(asked)

    assert (gone.status, amounts(gone)) == ("canceled", (0, 0, 0, 0))


def test_nobody_is_asked_when_nobody_is_there(world):
    declined = refused(world.hold, method="pm_card_authenticationRequired", off_session=True)

    assert declined.code == "authentication_required"
    assert world.hold(off_session=True).status == "authorized"


def test_a_payment_is_found_by_our_reference_and_by_theirs(world):
    ours = a_reference("pay")
    held = world.hold(reference=ours)
    ask = {"reference": ours, "since": clock.now()}

    by_ours = world.port.find(processor_reference="", **ask)
    by_theirs = world.port.find(processor_reference=held.processor_reference, **ask)

    assert by_ours.processor_reference == held.processor_reference
    assert by_theirs.processor_reference == held.processor_reference
    nobody = ask | {"reference": "pay_of_nobody"}
    assert world.port.find(processor_reference="", **nobody) is None
