"""A capture over the API while the order's cancellation begins; without the lock it goes wrong."""

import time
from threading import Event

import pytest

from orders import payment_guard
from orders.models import Order
from payments.services import capture
from tests.conftest import Api
from tests.races.crowd import at_once
from tests.stories import world
from tests.stories.orders.desk import cancel
from tests.stories.payments.moves import Till

SECONDS_BETWEEN = 3.0  # as long as the cancellation may take to begin; it ends with that


@pytest.fixture
def race(api, shop, monkeypatch):
    """The cancellation begins between the guard's look and the claim; the order's state then."""
    order, looked, states = world.an_order(api), Event(), []
    claim = capture.claim

    def slow_claim(payment, wish, **wanted):
        looked.set()
        until = time.monotonic() + SECONDS_BETWEEN
        while time.monotonic() < until and Order.objects.get(pk=order.pk).state == "placed":
            time.sleep(0.02)
        claim(payment, wish, **wanted)
        states.append(Order.objects.get(pk=order.pk).state)

    def cancel_after_the_look():
        assert looked.wait(10)
        return cancel(Api(api.key), order)

    monkeypatch.setattr(capture, "claim", slow_claim)

    def run():
        taker = Till(Api(api.key), shop)
        at_once([lambda: taker.capture(order.payment), cancel_after_the_look])
        return states

    return run


def test_a_capture_is_claimed_before_the_cancellation_begins_or_not_at_all(race):
    assert race() == ["placed"]


def test_control_without_the_orders_lock_money_is_claimed_of_an_order_that_is_being_canceled(
    race, monkeypatch
):
    def unlocked(checkout_id):
        return Order.objects.filter(checkout_id=checkout_id).first()

    monkeypatch.setattr(payment_guard, "_locked_order", unlocked)

    assert race() != ["placed"]
