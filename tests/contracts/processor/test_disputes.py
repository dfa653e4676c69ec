"""Cardholders object: any number of times, and the money goes with it unless they only ask."""

import pytest

from foundation import clock
from payments.processors.base import Declined
from tests.contracts.processor.test_refunds import lines_of


def disputes_of(world, payment):
    return list(world.port.list_disputes(processor_reference=payment.processor_reference))


def test_an_undisputed_payment_has_none(world):
    paid = world.sold()

    assert disputes_of(world, paid) == []
    assert not world.seen(paid).disputed


def test_a_dispute_takes_the_money_with_a_fee_and_a_deadline(world):
    paid = world.sold()
    wanted = world.backstage.dispute(paid.processor_reference, reason="product_not_received")

    [dispute] = disputes_of(world, paid)

    assert dispute.processor_reference == wanted
    assert dispute.payment_reference == paid.processor_reference
    assert (dispute.amount, dispute.currency) == (2000, "USD")
    assert (dispute.reason, dispute.status) == ("product_not_received", "needs_response")
    assert (dispute.is_inquiry, dispute.fees) == (False, {"USD": 1500})
    assert dispute.evidence_due_by > clock.now()
    assert world.seen(paid).disputed
    assert lines_of(world, wanted) == [("dispute", -2000)]


def test_an_inquiry_takes_nothing(world):
    paid = world.sold()
    wanted = world.backstage.dispute(paid.processor_reference, reason="inquiry")

    [inquiry] = disputes_of(world, paid)

    assert (inquiry.is_inquiry, inquiry.status) == (True, "warning_needs_response")
    assert inquiry.fees == {}
    assert lines_of(world, wanted) == []


def test_a_payment_can_be_disputed_more_than_once(world):
    paid = world.sold()
    first = world.backstage.dispute(paid.processor_reference, amount=500)
    second = world.backstage.dispute(paid.processor_reference, amount=700)

    listed = [(each.processor_reference, each.amount) for each in disputes_of(world, paid)]

    assert listed == [(second, 700), (first, 500)]


@pytest.mark.parametrize(
    ("status", "lines"),
    [("won", [("dispute", -500), ("dispute_reversal", 500)]), ("lost", [("dispute", -500)])],
)
def test_a_dispute_that_is_won_brings_the_money_back_and_a_lost_one_does_not(world, status, lines):
    paid = world.sold()
    wanted = world.backstage.dispute(paid.processor_reference, amount=500)

    world.backstage.close_dispute(paid.processor_reference, wanted, status)

    [dispute] = disputes_of(world, paid)
    assert (dispute.status, dispute.fees) == (status, {"USD": 1500})
    assert lines_of(world, wanted) == lines


def test_an_inquiry_that_ends_is_closed_and_neither_won_nor_lost(world):
    paid = world.sold()
    wanted = world.backstage.dispute(paid.processor_reference, reason="inquiry")

    world.backstage.close_dispute(paid.processor_reference, wanted, "won")

    [inquiry] = disputes_of(world, paid)
    assert (inquiry.status, inquiry.is_inquiry) == ("warning_closed", True)


@pytest.mark.parametrize(
    ("reason", "end", "refundable"),
    [("fraudulent", "", False), ("fraudulent", "lost", False), ("fraudulent", "won", True),
     ("inquiry", "", True)],
)  # fmt: skip
def test_who_has_the_money_back_is_not_refunded(world, reason, end, refundable):
    paid = world.sold()
    wanted = world.backstage.dispute(paid.processor_reference, reason=reason)
    if end:
        world.backstage.close_dispute(paid.processor_reference, wanted, end)

    if refundable:
        assert world.refund(paid, 500).status == "succeeded"
    else:
        with pytest.raises(Declined) as declined:
            world.refund(paid, 500)
        assert declined.value.code == "charge_disputed"
