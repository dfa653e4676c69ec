"""One key, one effect; and a lost answer is unknown until the processor is asked."""

import pytest

from foundation import clock
from foundation.transactions import NetworkInsideTransaction, durable
from payments.processors.base import Declined, OutcomeUnknown
from tests.contracts.processor.conftest import a_key, a_reference

SENT = {"before": 0, "after": 1}


def test_a_key_sent_again_holds_once_and_answers_the_same(world):
    reference, key = a_reference("pay"), a_key()

    first, again = (world.hold(reference=reference, key=key) for _ in range(2))

    assert first.processor_reference == again.processor_reference


def test_a_key_sent_again_captures_refunds_and_voids_once(world):
    paid, key = world.hold(method="pm_card_visa__multicapture"), a_key()
    for _ in range(2):
        assert world.capture(paid, 500, final=False, key=key).captured_amount == 500
    assert world.seen(paid).captured_amount == 500

    key, ours = a_key(), a_reference("rfd")
    once, twice = (world.refund(paid, 200, key=key, reference=ours) for _ in range(2))
    assert once.processor_reference == twice.processor_reference
    assert world.seen(paid).refunded_amount == 200

    key = a_key()
    assert world.void(paid, key=key) == world.void(paid, key=key)


def test_a_refusal_is_replayed_for_its_key(world):
    held, key = world.hold(), a_key()
    with pytest.raises(Declined) as first:
        world.capture(held, 2001, key=key)

    with pytest.raises(Declined) as again:
        world.capture(held, 2001, key=key)
    assert again.value.code == first.value.code


def test_a_key_with_another_amount_is_unknown_and_has_no_second_effect(world):
    held, key = world.hold(method="pm_card_visa__multicapture"), a_key()
    world.capture(held, 500, final=False, key=key)

    with pytest.raises(OutcomeUnknown):
        world.capture(held, 700, final=False, key=key)

    assert world.seen(held).captured_amount == 500


def test_a_key_of_one_operation_is_unknown_to_another(world):
    held, key = world.hold(), a_key()
    world.capture(held, key=key)

    with pytest.raises(OutcomeUnknown):
        world.void(held, key=key)


@pytest.mark.parametrize("when", SENT)
def test_a_hold_without_an_answer_is_found_by_asking(world, when):
    reference, key = a_reference("pay"), a_key()
    world.backstage.lose("create", when=when)
    with pytest.raises(OutcomeUnknown):
        world.hold(reference=reference, key=key)

    found = world.port.find(reference=reference, processor_reference="", since=clock.now())
    assert (found is not None) == bool(SENT[when])

    again = world.hold(reference=reference, key=key)
    assert again.status == "authorized"
    assert found is None or again.processor_reference == found.processor_reference


@pytest.mark.parametrize("when", SENT)
def test_a_capture_without_an_answer_is_found_by_asking(world, when):
    held, key = world.hold(), a_key()
    world.backstage.lose("capture", when=when)
    with pytest.raises(OutcomeUnknown):
        world.capture(held, 1500, key=key)

    assert world.seen(held).captured_amount == 1500 * SENT[when]
    assert world.capture(held, 1500, key=key).captured_amount == 1500


@pytest.mark.parametrize("when", SENT)
def test_a_void_without_an_answer_is_found_by_asking(world, when):
    held, key = world.hold(), a_key()
    world.backstage.lose("cancel", when=when)
    with pytest.raises(OutcomeUnknown):
        world.void(held, key=key)

    assert world.seen(held).released_amount == 2000 * SENT[when]
    assert world.void(held, key=key).status == "canceled"


@pytest.mark.parametrize("when", SENT)
def test_a_refund_without_an_answer_is_found_by_our_reference(world, when):
    paid, key, ours = world.sold(), a_key(), a_reference("rfd")
    world.backstage.lose("refund", when=when)
    with pytest.raises(OutcomeUnknown):
        world.refund(paid, 500, key=key, reference=ours)

    found = world.port.find_refund(processor_reference=paid.processor_reference, reference=ours)
    assert (found is not None) == bool(SENT[when])

    world.refund(paid, 500, key=key, reference=ours)
    assert world.seen(paid).refunded_amount == 500


@pytest.mark.parametrize("question", ["find", "find_refund", "list_refunds", "list_disputes"])
def test_a_question_without_an_answer_is_unknown_and_never_a_no(world, question):
    paid = world.sold()
    ask = {
        "find": lambda: world.seen(paid),
        "find_refund": lambda: world.port.find_refund(
            processor_reference=paid.processor_reference, reference="rfd_1"
        ),
        "list_refunds": lambda: world.port.list_refunds(
            processor_reference=paid.processor_reference
        ),
        "list_disputes": lambda: world.port.list_disputes(
            processor_reference=paid.processor_reference
        ),
    }[question]
    world.backstage.lose("retrieve" if question == "find" else "list", when="after")

    with pytest.raises(OutcomeUnknown):
        ask()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("call", ["capture", "void", "refund", "list_events"])
def test_no_call_leaves_while_a_transaction_is_open(world, call):
    paid = world.sold()
    act = {
        "capture": lambda: world.capture(paid),
        "void": lambda: world.void(paid),
        "refund": lambda: world.refund(paid, 500),
        "list_events": lambda: list(world.port.list_events(since=clock.now(), types=[])),
    }[call]

    with pytest.raises(NetworkInsideTransaction), durable():
        act()
    assert world.seen(paid).refunded_amount == 0
