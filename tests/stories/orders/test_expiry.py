"""A hold that is about to die is taken, replaced or let go; nothing is shipped on a dead one."""

import datetime as dt

import pytest

from foundation import clock
from foundation.models import Case
from orders.models import Fulfillment, Order, StockItem
from payments.models import Payment
from tests import builders
from tests.stories import world
from tests.stories.orders.desk import cancel, patch, shipments, take_out


def runs_out_in(seconds):
    """The holds that live now die soon (at the processor they live on: both clocks stay)."""
    deadline = clock.now() + dt.timedelta(seconds=seconds)
    Payment.objects.filter(state__in=["authorized", "partially_captured"]).update(
        capture_before=deadline
    )


def near_the_end(order, settings):
    """The last hours of the hold have begun."""
    runs_out_in(settings.EXPIRY_ACT_SECONDS - 60)
    world.sweep()
    return world.play_events()


def an_order(api, settings, policy, **changes):
    settings.SETTLEMENT_POLICY = policy
    assert api.checkout(builders.a_purchase(**changes)).status_code == 201
    world.play_events()
    order = Order.objects.select_related("payment").get()
    assert order.payment.state == "authorized"
    return order


def now(order):
    return Order.objects.select_related("payment").get(pk=order.pk)


def holds_of_all(shop):
    return [hold for payment in Payment.objects.all() for hold in shop.holds(payment.reference)]


def effects(shop, payment, kind):
    return [effect["amount"] for effect in shop.effects(payment.reference, kind)]


def test_an_order_that_was_to_be_taken_later_is_taken_before_its_hold_dies(api, shop, settings):
    settings.SETTLEMENT_DELAY_SECONDS = 3600.0
    order = an_order(api, settings, "on_order")
    Order.objects.update(settle_at=order.payment.capture_before)  # put off by somebody

    near_the_end(order, settings)

    assert effects(shop, order.payment, "capture") == [4298]
    assert now(order).payment.state == "captured"


def test_goods_that_left_are_paid_before_the_hold_dies(api, shop, settings):
    order = an_order(api, settings, "manual")
    (shipment,) = shipments(api, order)
    patch(api, shipment, status="shipped")
    world.play_events()

    near_the_end(order, settings)

    assert effects(shop, order.payment, "capture") == [4298]


def test_what_shipped_is_taken_and_the_rest_waits_for_money(api, shop, settings):
    order = an_order(api, settings, "on_fulfillment", payment_method="pm_card_visa__multicapture")
    part = take_out(api, order, {"MUG-BLUE": 1}).json()
    patch(api, part, status="shipped")
    world.play_events()
    assert effects(shop, order.payment, "capture") == [2299]

    near_the_end(order, settings)
    world.drive_everything(3)

    assert shop.holds(order.payment.reference) == []
    assert now(order).state == "payment_required"
    assert effects(shop, order.payment, "capture") == [2299]
    assert not Fulfillment.objects.filter(state="pending").exists()


def test_a_hold_nothing_shipped_of_is_replaced_and_the_order_goes_on(api, shop, settings):
    order = an_order(api, settings, "on_fulfillment")

    told = near_the_end(order, settings)

    assert "payment.reauthorized" in told
    fresh = now(order)
    assert fresh.payment_id != order.payment_id
    assert (fresh.state, fresh.payment.state) == ("fulfilling", "authorized")
    assert fresh.payment.capture_before > clock.now() + dt.timedelta(days=1)
    assert shop.holds(order.payment.reference) == []
    assert [hold["amount"] for hold in shop.holds(fresh.payment.reference)] == [4298]
    (shipment,) = shipments(api, fresh)
    assert patch(api, shipment, status="shipped").status_code == 200
    world.play_events()
    assert effects(shop, order.payment, "capture") == []
    assert effects(shop, fresh.payment, "capture") == [4298]


@pytest.fixture
def refused_anew(api, shop, settings):
    """An order whose card will not be held a second time: it would have to be confirmed."""
    order = an_order(api, settings, "on_fulfillment")
    Payment.objects.update(payment_method="pm_card_authenticationRequired")
    near_the_end(order, settings)
    world.drive_everything(3)
    return now(order)


def test_without_a_new_hold_nothing_ships_and_the_stock_stays(api, shop, refused_anew):
    order = refused_anew

    assert order.state == "payment_required"
    assert Case.objects.get(kind="order_unpaid").aggregate_id == order.pk
    assert shop.holds(order.payment.reference) == []
    assert Fulfillment.objects.get().state == "canceled"
    assert StockItem.objects.get().reserved == 2
    assert take_out(api, order, {"MUG-BLUE": 1}).json()["code"] == "order_not_fulfillable"
    assert order.next_step_at is None


def test_an_order_that_waits_for_money_can_be_canceled(api, shop, refused_anew):
    reply = cancel(api, refused_anew)

    assert reply.status_code == 200, reply.content
    assert StockItem.objects.get().reserved == 0
    assert holds_of_all(shop) == []


def test_a_shop_that_asks_no_second_time_lets_go_and_waits(api, shop, settings):
    settings.EXPIRY_REAUTHORIZE = False
    order = an_order(api, settings, "manual")

    near_the_end(order, settings)
    world.drive_everything(2)

    assert now(order).state == "payment_required"
    assert Payment.objects.get().state == "voided"
    assert shop.holds(order.payment.reference) == []


def test_a_warning_alone_changes_nothing(api, shop, settings):
    order = an_order(api, settings, "manual")

    runs_out_in(settings.EXPIRY_WARN_SECONDS - 60)
    world.sweep()
    told = world.play_events()

    assert told == ["payment.expiring"]
    assert now(order).payment.state == "authorized"


def test_a_hold_is_dealt_with_even_when_nobody_heard_that_it_dies(api, shop, settings):
    settings.EXPIRY_REAUTHORIZE = False
    order = an_order(api, settings, "on_fulfillment")
    (shipment,) = shipments(api, order)
    with world.processor_away():
        near_the_end(order, settings)
    patch(api, shipment, status="shipped")

    world.drive_everything(6, seconds=600)

    assert now(order).state == "payment_required"
    assert shop.holds(order.payment.reference) == []
    assert Fulfillment.objects.get().state == "canceled"


def test_an_order_that_is_being_canceled_is_left_to_its_cancellation(api, shop, settings):
    order = an_order(api, settings, "on_fulfillment")
    shop.fault("cancel", "lost_reply", times=1)
    shop.fault("retrieve", "500_before", times=1)
    assert cancel(api, order).status_code == 202

    near_the_end(order, settings)
    world.drive_everything(4, seconds=600)

    assert now(order).state == "canceled"
    assert Payment.objects.count() == 1


def test_a_cancellation_releases_the_hold_that_took_the_place_of_another(api, shop, settings):
    order = an_order(api, settings, "on_fulfillment")
    near_the_end(order, settings)

    assert cancel(api, order).json()["cancellation"]["payment_action"] == "voided"

    assert holds_of_all(shop) == []
    assert {payment.state for payment in Payment.objects.all()} == {"voided"}


def test_a_new_hold_whose_answer_is_lost_is_found_and_the_order_goes_on(api, shop, settings):
    order = an_order(api, settings, "on_fulfillment")
    shop.fault("create", "lost_reply", times=1)

    near_the_end(order, settings)
    world.drive_everything(6, seconds=300)

    fresh = now(order)
    assert (fresh.state, fresh.payment.state) == ("fulfilling", "authorized")
    assert fresh.payment.replaces_id == order.payment_id
    assert len(shop.effects(fresh.payment.reference, "authorization")) == 1


def test_goods_that_left_on_a_hold_that_died_are_on_a_persons_desk(api, shop, settings):
    order = an_order(api, settings, "manual")
    (shipment,) = shipments(api, order)
    patch(api, shipment, status="shipped")
    world.release_behind_our_back(order.payment)
    runs_out_in(-1)

    world.drive_everything(3)

    assert now(order).payment.state in ("voided", "expired")
    assert Case.objects.get(kind="shipped_unpaid").aggregate_id == order.pk
