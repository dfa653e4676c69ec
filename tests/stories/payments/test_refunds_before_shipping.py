"""Money given back before the warehouse was told: goods that are paid for are owed all the same."""

import pytest

from foundation import cases
from foundation.models import Case
from orders.models import Fulfillment, Order, StockItem
from tests import builders
from tests.stories import world
from tests.stories.payments.moves import usd

HOUR = 3601


def driven(order, *, rounds):
    world.drive_everything(rounds, seconds=HOUR)
    order.refresh_from_db()
    return order


@pytest.fixture
def order(taken):
    """Captured by the client itself; what follows from `order.placed` was lost with the broker."""
    world.lose_events()
    return Order.objects.get(payment=taken)


def test_an_order_of_which_a_part_was_given_back_is_owed_whole(till, taken, order):
    till.refund(taken, 1000, reason="for the delay")

    assert driven(order, rounds=2).state == "fulfilling"
    assert Fulfillment.objects.get().lines.get().quantity == 2
    assert order.next_step_at is None


def test_a_part_given_back_while_the_capture_was_in_doubt_does_not_stop_the_order(
    till, payment, shop
):
    shop.fault("capture", "lost_reply", times=1)
    order = Order.objects.get(payment=payment)
    world.play_events()
    order.refresh_from_db()
    assert (order.state, order.payment.state) == ("placed", "capturing")
    world.later(HOUR)
    world.sweep_only("resolve_unknown")
    assert till.refund(payment, 1000).json()["amount"] == usd(1000)

    assert driven(order, rounds=2).state == "fulfilling"
    assert driven(order, rounds=1).next_step_at is None


def test_an_order_given_back_whole_before_it_was_owed_comes_to_a_person(
    till, taken, order, settings
):
    till.refund(taken)

    driven(order, rounds=settings.STALLS_MAX + 2)

    assert (order.state, order.next_step_at) == ("placed", None)
    assert not Fulfillment.objects.exists()
    case = Case.objects.get(aggregate_id=order.pk, state="open")
    assert (case.kind, case.amount) == ("order_parked", order.total_amount)


def test_to_cancel_it_frees_its_stock_and_ends_the_case(till, taken, order, settings):
    till.refund(taken)
    driven(order, rounds=settings.STALLS_MAX + 2)

    reply = till.api.post(f"/v1/orders/{order.reference}/cancel", {}, key=builders.a_key())

    assert (reply.status_code, reply.json()["status"]) == (200, "canceled")
    assert StockItem.objects.get().reserved == 0
    driven(order, rounds=2)
    cases.resolve_healed(limit=10)
    assert not Case.objects.filter(state="open").exists()
    assert till.happened(taken)["refund"] == (1, 4298)


def test_an_order_whose_capture_stays_in_doubt_is_waited_for_and_not_parked(
    payment, settings, shop
):
    order = Order.objects.get(payment=payment)
    with world.processor_away():
        driven(order, rounds=settings.STALLS_MAX + 2)

    assert not Case.objects.filter(kind="order_parked").exists()
    assert driven(order, rounds=3).state == "fulfilling"
