"""COMMIT is sent and nobody answers, in what clients ask for after the order: told as it is."""

import pytest

from orders.models import Order, StockAdjustment, StockItem
from tests import builders
from tests.invariants.test_rules import broken
from tests.stories import world
from tests.stories.orders.desk import adjust, cancel
from tests.stories.payments.moves import amounts

CLAIM, CLOSE, STORE = 1, 2, 3  # the commits of one capture, in order
IN_DOUBT = pytest.mark.parametrize("is_sent", [True, False])


@IN_DOUBT
@pytest.mark.parametrize("number", [CLAIM, STORE])
def test_a_capture_under_a_key_whose_commit_is_in_doubt_is_made_and_answered_once(
    till, payment, monkeypatch, number, is_sent
):
    key = builders.a_key()
    world.cut_the_line_at_commit(monkeypatch, number=number, is_sent=is_sent)
    reply = till.capture(payment, 1000, key=key)

    assert reply.status_code == 201, reply.content
    assert till.capture(payment, 1000, key=key).content == reply.content
    assert till.happened(payment)["capture"] == (1, 1000)
    assert amounts(payment) == ("captured", 1000, 3298, 0)
    assert broken() == set()


@IN_DOUBT
def test_a_refund_whose_claim_is_in_doubt_is_given_back_once(till, taken, monkeypatch, is_sent):
    world.cut_the_line_at_commit(monkeypatch, number=CLAIM, is_sent=is_sent)
    reply = till.refund(taken, 1000)

    assert reply.status_code == 201, reply.content
    assert till.happened(taken)["refund"] == (1, 1000)


@IN_DOUBT
def test_a_count_whose_commit_is_in_doubt_is_counted_once(api, shop, monkeypatch, is_sent):
    world.cut_the_line_at_commit(monkeypatch, number=CLAIM, is_sent=is_sent)
    reply = adjust(api, "MUG-BLUE", 20)

    assert reply.status_code == 201, reply.content
    assert (StockAdjustment.objects.count(), StockItem.objects.get().on_hand) == (1, 120)


@IN_DOUBT
def test_a_cancellation_whose_claim_is_in_doubt_is_carried_through(
    api, till, payment, monkeypatch, is_sent
):
    world.cut_the_line_at_commit(monkeypatch, number=CLAIM, is_sent=is_sent)
    reply = cancel(api, Order.objects.get())

    assert reply.status_code == 200, reply.content
    assert Order.objects.get().state == "canceled"
    assert till.happened(payment)["cancel"] == (1, 4298)
