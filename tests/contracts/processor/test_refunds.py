"""Giving money back, never more than was taken, and what becomes of it."""

import datetime as dt

import pytest

from foundation import clock
from payments.processors.base import Declined
from tests.contracts.processor.conftest import a_reference


def code_of(call, *arguments, **named):
    with pytest.raises(Declined) as declined:
        call(*arguments, **named)
    return declined.value.code


def lines_of(world, reference):
    """What the books say about one object."""
    hour = dt.timedelta(hours=1)
    lines = list(world.port.list_transactions(since=clock.now() - hour, until=clock.now() + hour))
    return [(line.category, line.gross) for line in reversed(lines) if line.source_id == reference]


def test_a_refund_carries_our_reference_and_is_found_by_it(world):
    paid, ours = world.sold(), a_reference("rfd")

    refund = world.refund(paid, 500, reference=ours, reason="requested_by_customer")

    assert (refund.status, refund.amount, refund.currency) == ("succeeded", 500, "USD")
    assert (refund.reference, refund.payment_reference) == (ours, paid.processor_reference)
    found = world.port.find_refund(processor_reference=paid.processor_reference, reference=ours)
    assert found == refund


def test_a_refund_that_was_never_asked_for_is_not_found(world):
    paid = world.sold()
    world.refund(paid, 500)

    found = world.port.find_refund(
        processor_reference=paid.processor_reference, reference=a_reference("rfd")
    )

    assert found is None


def test_a_reason_of_our_own_words_does_not_stop_a_refund(world):
    assert world.refund(world.sold(), 500, reason="the mug was blue").status == "succeeded"


def test_refunds_are_listed_newest_first_and_counted(world):
    paid = world.sold()
    first, second = world.refund(paid, 500), world.refund(paid, 700)

    listed = world.port.list_refunds(processor_reference=paid.processor_reference)

    assert list(listed) == [second, first]
    assert world.seen(paid).refunded_amount == 1200


def test_a_refund_of_a_partly_captured_hold_is_counted_apart_from_what_was_released(world):
    paid = world.capture(world.hold(), 1500)
    refund = world.refund(paid, 400)

    seen = world.seen(paid)
    assert (seen.captured_amount, seen.released_amount, seen.refunded_amount) == (1500, 500, 400)
    listed = world.port.list_refunds(processor_reference=paid.processor_reference)
    assert list(listed) == [refund]


def test_a_hold_that_takes_several_captures_refunds_what_it_took_so_far(world):
    held = world.hold(method="pm_card_visa__multicapture")
    world.capture(held, 500, final=False)

    assert code_of(world.refund, held, 501) == "amount_too_large"
    world.refund(held, 200)

    seen = world.seen(held)
    assert (seen.status, seen.captured_amount, seen.refunded_amount) == ("authorized", 500, 200)
    assert seen.capturable_amount == 1500


@pytest.mark.parametrize("amount", [2001, 0, -1])
def test_an_impossible_amount_is_not_refunded(world, amount):
    paid = world.sold()

    code_of(world.refund, paid, amount)

    assert world.port.list_refunds(processor_reference=paid.processor_reference) == []


def test_refunds_never_sum_to_more_than_was_captured(world):
    paid = world.capture(world.hold(), 1500)
    world.refund(paid, 1000)

    assert code_of(world.refund, paid, 501) == "amount_too_large"
    world.refund(paid, 500)
    assert code_of(world.refund, paid, 1) == "charge_already_refunded"


@pytest.mark.parametrize("end", ["held", "voided", "challenged"])
def test_what_was_never_taken_is_not_given_back(world, end):
    challenged = end == "challenged"
    payment = world.hold(method="pm_card_authenticationRequired" if challenged else "pm_card_visa")
    if end == "voided":
        world.void(payment)

    assert code_of(world.refund, payment, 500) == "payment_intent_unexpected_state"


def test_a_pending_refund_counts_until_it_arrives(world):
    paid = world.sold()
    world.backstage.next_refund_is_pending()
    refund = world.refund(paid, 1500)
    assert refund.status == "pending"
    assert code_of(world.refund, paid, 501) == "amount_too_large"

    world.backstage.settle_refund(paid.processor_reference, refund.processor_reference, "succeeded")

    listed = world.port.list_refunds(processor_reference=paid.processor_reference)
    assert [each.status for each in listed] == ["succeeded"]
    assert world.seen(paid).refunded_amount == 1500


@pytest.mark.parametrize("before", ["pending", "succeeded"])
def test_a_refund_that_comes_back_can_be_made_again(world, before):
    paid = world.sold()
    if before == "pending":
        world.backstage.next_refund_is_pending()
    refund = world.refund(paid, 2000)
    assert refund.status == before

    world.backstage.settle_refund(paid.processor_reference, refund.processor_reference, "failed")

    failed = world.port.find_refund(
        processor_reference=paid.processor_reference, reference=refund.reference
    )
    assert (failed.status, failed.failure_code) == ("failed", "unknown")
    assert world.seen(paid).refunded_amount == 0
    assert lines_of(world, refund.processor_reference) == [
        ("refund", -2000), ("refund_failure", 2000),
    ]  # fmt: skip
    assert world.refund(paid, 2000).status == "succeeded"


def test_a_refund_made_again_under_the_same_reference_is_the_one_that_is_found(world):
    paid, ours = world.sold(), a_reference("rfd")
    first = world.refund(paid, 2000, reference=ours)
    world.backstage.settle_refund(paid.processor_reference, first.processor_reference, "failed")
    second = world.refund(paid, 2000, reference=ours)
    world.refund(world.sold(), 1)

    found = world.port.find_refund(processor_reference=paid.processor_reference, reference=ours)

    assert found.processor_reference == second.processor_reference
