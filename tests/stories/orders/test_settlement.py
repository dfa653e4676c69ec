"""When the money of an order is taken: by its policy, exactly, once, and never too late."""

import datetime as dt

import pytest

from foundation.ids import new_id
from orders import settlement
from orders.models import Fulfillment, Order
from payments.models import Payment
from tests import builders
from tests.races.crowd import at_once
from tests.stories import world
from tests.stories.orders.desk import cancel, patch, shipments, take_out


def captures(shop):
    """What the processor took, in order, in minor units."""
    return [effect["amount"] for effect in shop.effects(Payment.objects.get().reference, "capture")]


def an_order_of(api, *, method="pm_card_visa", **units):
    """An order of mugs (19.99) and plates (7.00), 3.00 of shipping, to Oregon."""
    builders.a_product("PLATE", amount=700, on_hand=100)
    skus = {"mugs": "MUG-BLUE", "plates": "PLATE"}
    lines = [{"sku": skus[name], "quantity": quantity} for name, quantity in units.items()]
    body = builders.a_purchase(lines=lines, payment_method=f"{method}__{new_id().hex}")
    assert api.checkout(body).status_code == 201
    world.play_events()
    return Order.objects.select_related("payment").get()


def test_on_order_it_is_taken_at_once(api, shop):
    order = an_order_of(api, mugs=2)

    assert order.settlement_policy == "on_order"
    assert captures(shop) == [4298]


def test_the_policy_is_frozen_when_the_order_is_placed(api, shop, settings):
    settings.SETTLEMENT_POLICY = "manual"
    order = an_order_of(api, mugs=2)
    settings.SETTLEMENT_POLICY = "on_order"

    world.drive_everything(3)

    assert captures(shop) == []
    order.refresh_from_db()
    assert (order.settlement_policy, order.next_step_at) == ("manual", None)


def test_with_a_delay_it_is_taken_when_the_time_has_come_and_not_before(api, shop, settings):
    settings.SETTLEMENT_DELAY_SECONDS = 3600.0
    order = an_order_of(api, mugs=2)
    assert order.state == "fulfilling"

    world.drive_everything(5, seconds=600)
    assert captures(shop) == []
    order.refresh_from_db()
    assert order.next_step_at == order.settle_at

    world.drive_everything(2, seconds=600)
    assert captures(shop) == [4298]
    order.refresh_from_db()
    assert order.next_step_at is None


def test_a_delay_never_outlives_the_hold(api, settings):
    settings.SETTLEMENT_DELAY_SECONDS = 365 * 86_400.0
    order = an_order_of(api, mugs=2)

    margin = dt.timedelta(seconds=settings.EXPIRY_ACT_SECONDS)
    assert order.settle_at == order.payment.capture_before - margin


@pytest.fixture
def on_fulfillment(settings):
    settings.SETTLEMENT_POLICY = "on_fulfillment"


def test_on_fulfillment_nothing_is_taken_before_something_ships(api, shop, on_fulfillment):
    order = an_order_of(api, mugs=2)
    world.drive_everything(3)

    assert captures(shop) == []
    order.refresh_from_db()
    assert (order.state, order.next_step_at) == ("fulfilling", None)


def test_on_fulfillment_everything_that_ships_is_taken_at_once(api, shop, on_fulfillment):
    order = an_order_of(api, mugs=2)
    (shipment,) = shipments(api, order)

    patch(api, shipment, status="shipped")
    world.play_events()

    assert captures(shop) == [4298]
    assert Payment.objects.get().state == "captured"


def test_on_fulfillment_each_shipment_takes_exactly_its_worth(api, shop, on_fulfillment):
    order = an_order_of(api, method="pm_card_visa__multicapture", mugs=3, plates=1)
    assert order.payment.is_multicapture

    first = take_out(api, order, {"MUG-BLUE": 1}).json()
    patch(api, first, status="shipped")
    world.play_events()
    assert captures(shop) == [1999 + 300]
    assert Payment.objects.get().state == "partially_captured"

    second = take_out(api, order, {"PLATE": 1, "MUG-BLUE": 1}).json()
    patch(api, second, status="shipped")
    world.play_events()
    rest = next(s for s in shipments(api, order) if s["status"] == "pending")
    patch(api, rest, status="shipped")
    world.play_events()

    assert captures(shop) == [2299, 2699, 1999]
    assert sum(captures(shop)) == order.total_amount
    assert Payment.objects.get().state == "captured"
    assert shop.holds(order.payment.reference) == []


def test_a_part_can_not_ship_when_the_hold_can_be_captured_once_only(api, shop, on_fulfillment):
    order = an_order_of(api, mugs=2)
    part = take_out(api, order, {"MUG-BLUE": 1}).json()

    reply = patch(api, part, status="shipped")

    assert (reply.status_code, reply.json()["code"]) == (409, "fulfillment_not_covered")
    assert reply.json()["reason"] == "single_capture"
    assert "Ship the whole order" in reply.json()["detail"]
    assert Fulfillment.objects.get(is_automatic=False).state == "pending"


def test_two_who_settle_at_once_take_it_once(api, shop, on_fulfillment):
    order = an_order_of(api, method="pm_card_visa__multicapture", mugs=3)
    part = take_out(api, order, {"MUG-BLUE": 1}).json()
    patch(api, part, status="shipped")

    at_once([lambda: settlement.settle(order.pk)] * 6)
    world.play_events()
    world.drive_everything(2)

    assert captures(shop) == [2299]


def test_a_capture_whose_message_was_lost_is_taken_all_the_same(api, shop, on_fulfillment):
    order = an_order_of(api, mugs=2)
    (shipment,) = shipments(api, order)
    patch(api, shipment, status="shipped")
    world.lose_events()

    world.drive_everything(3)

    assert captures(shop) == [4298]
    order.refresh_from_db()
    assert (order.state, order.next_step_at) == ("completed", None)


@pytest.mark.parametrize("fault", ["timeout_after", "500_before", "lost_reply"])
def test_a_capture_of_a_part_whose_answer_is_lost_is_made_once(api, shop, on_fulfillment, fault):
    order = an_order_of(api, method="pm_card_visa__multicapture", mugs=3)
    part = take_out(api, order, {"MUG-BLUE": 2}).json()
    patch(api, part, status="shipped")
    shop.fault("capture", fault, times=1, seconds=2)

    world.play_events()
    world.drive_everything(6, seconds=300)

    assert captures(shop) == [2 * 1999 + 300]


def test_by_hand_nothing_is_ever_taken_by_itself(api, shop, settings):
    settings.SETTLEMENT_POLICY = "manual"
    order = an_order_of(api, mugs=2)
    (shipment,) = shipments(api, order)
    patch(api, shipment, status="shipped")

    world.drive_everything(3)

    assert captures(shop) == []


def test_an_order_canceled_before_its_time_is_never_taken(api, shop, settings):
    settings.SETTLEMENT_DELAY_SECONDS = 3600.0
    order = an_order_of(api, mugs=2)
    cancel(api, order)

    world.drive_everything(4, seconds=3600)

    assert captures(shop) == []
    assert shop.holds(order.payment.reference) == []
