"""Two at once on one order or one shelf, and each guard's control: without it, it must go wrong."""

import importlib
from collections import Counter
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from django.db import connection
from django.db.models import Sum

from orders import fulfillment, stocktaking
from orders.fulfillment import rows
from orders.models import (
    Cancellation,
    Fulfillment,
    FulfillmentLine,
    Order,
    OrderLine,
    StockAdjustment,
    StockItem,
)
from payments.models import Payment
from tests import builders
from tests.conftest import Api
from tests.races.crowd import at_once, checkouts_at_once
from tests.stories import world
from tests.stories.orders.desk import adjust, cancel, patch, shipments, take_out


@pytest.fixture
def order(api):
    """Eight mugs, captured and owed."""
    lines = [{"sku": "MUG-BLUE", "quantity": 8}]
    assert api.checkout(builders.a_purchase(lines=lines)).status_code == 201
    world.play_events()
    return Order.objects.select_related("payment").get()


def callers(api, number):
    return [Api(api.key) for _ in range(number)]


def assigned():
    """Units in all shipments that are not canceled."""
    parts = FulfillmentLine.objects.exclude(fulfillment__state="canceled")
    return parts.aggregate(units=Sum("quantity"))["units"]


def test_many_who_take_out_the_same_units_get_no_more_than_were_ordered(api, order):
    acts = [lambda one=one: take_out(one, order, {"MUG-BLUE": 3}) for one in callers(api, 8)]

    replies = at_once(acts)

    assert Counter(reply.status_code for reply in replies) == {201: 2, 409: 6}
    assert {r.json()["code"] for r in replies if r.status_code == 409} == {"quantity_not_owed"}
    assert assigned() == OrderLine.objects.get().quantity


@pytest.fixture
def without_the_orders_lock(monkeypatch):
    """The guard taken away: the order is read, and nobody waits for anybody."""

    def unlocked(order_id):
        found = Order.objects.select_related("payment", "checkout").get(pk=order_id)
        connection.cursor().execute("SELECT pg_sleep(0.4)")  # time for the others to read as well
        return found

    monkeypatch.setattr(rows, "locked", unlocked)
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE orders_fulfillment DROP CONSTRAINT one_fulfillment_per_order_and_sequence"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE orders_fulfillment CASCADE")
        cursor.execute(
            "ALTER TABLE orders_fulfillment ADD CONSTRAINT one_fulfillment_per_order_and_sequence"
            " UNIQUE (order_id, sequence)"
        )


def two_look_before_either_writes(monkeypatch):
    """Whoever has seen what is left to ship waits for another who has seen it as well."""
    creating = importlib.import_module("orders.fulfillment.create")
    look, both_have_looked = creating._by_sku, Barrier(2)

    def look_and_wait(fulfillment):
        left = look(fulfillment)
        with suppress(BrokenBarrierError):  # the last of an odd number waits for nobody
            both_have_looked.wait(timeout=5)
        return left

    monkeypatch.setattr(creating, "_by_sku", look_and_wait)


def test_control_without_the_orders_lock_more_is_taken_out_than_was_ordered(
    api, order, without_the_orders_lock, monkeypatch
):
    two_look_before_either_writes(monkeypatch)
    acts = [lambda one=one: take_out(one, order, {"MUG-BLUE": 3}) for one in callers(api, 8)]

    at_once(acts)

    assert assigned() > OrderLine.objects.get().quantity


def test_many_who_ship_one_shipment_consume_its_stock_once(api, order):
    (shipment,) = shipments(api, order)
    acts = [lambda one=one: patch(one, shipment, status="shipped") for one in callers(api, 8)]

    replies = at_once(acts)

    assert {reply.status_code for reply in replies} == {200}
    item = StockItem.objects.get()
    assert (item.on_hand, item.reserved) == (92, 0)


def test_a_cancellation_and_a_shipment_at_once_never_both_happen(api, shop):
    for _ in range(5):
        placed = world.an_order(api)
        world.play_events()
        (shipment,) = shipments(api, placed)
        one, other = callers(api, 2)

        canceled, shipped = at_once(
            [
                lambda a=one, o=placed: cancel(a, o),
                lambda a=other, s=shipment: patch(a, s, status="shipped"),
            ]
        )
        world.drive_everything(2)

        placed.refresh_from_db()
        if shipped.status_code == 200:
            assert canceled.status_code == 409
            assert placed.state == "completed"
            assert shop.effects(placed.payment.reference, "refund") == []
        else:
            assert canceled.status_code in (200, 202)
            assert placed.state == "canceled"
            assert len(shop.effects(placed.payment.reference, "refund")) == 1
        Order.objects.filter(pk=placed.pk).update(cart_id=f"done-{placed.pk}")


def ship_between_the_look_and_the_claim(monkeypatch, api, part):
    """A part leaves the house when the cancellation has just seen that nothing did."""
    real, shipped = fulfillment.is_under_way, []

    def looked_at(order):
        seen = real(order)
        monkeypatch.setattr(fulfillment, "is_under_way", real)
        shipped.append(world.elsewhere(lambda: patch(Api(api.key), part, status="shipped")))
        return seen

    monkeypatch.setattr(fulfillment, "is_under_way", looked_at)
    return shipped


def test_nothing_leaves_between_a_cancellations_look_and_its_claim(api, order, monkeypatch):
    part = take_out(api, order, {"MUG-BLUE": 1}).json()
    shipped = ship_between_the_look_and_the_claim(monkeypatch, api, part)

    assert cancel(api, order).status_code == 200

    assert shipped[0].status_code == 503  # it waited for the order's row, and gave up
    assert Fulfillment.objects.filter(state="shipped").count() == 0


def test_control_without_the_orders_lock_an_order_is_canceled_of_which_a_part_left(
    api, order, monkeypatch
):
    part = take_out(api, order, {"MUG-BLUE": 1}).json()
    shipped = ship_between_the_look_and_the_claim(monkeypatch, api, part)
    monkeypatch.setattr(
        rows, "locked", lambda pk: Order.objects.select_related("payment", "checkout").get(pk=pk)
    )

    cancel(api, order)

    assert shipped[0].status_code == 200
    assert Fulfillment.objects.filter(state="shipped").count() == 1
    assert Order.objects.get().state == "canceled"


def test_sixteen_cancellations_at_once_undo_an_order_once(api, shop, order):
    replies = at_once([lambda one=one: cancel(one, order) for one in callers(api, 16)])
    world.drive_everything(2)

    statuses = Counter(reply.status_code for reply in replies)
    assert statuses[200] + statuses[202] == 1
    assert {r.json()["code"] for r in replies if r.status_code == 409} <= {
        "cancellation_in_progress", "order_not_cancelable",
    }  # fmt: skip
    assert Cancellation.objects.count() == 1
    assert len(shop.effects(order.payment.reference, "refund")) == 1
    assert StockItem.objects.get().reserved == 0


def test_a_cancellation_and_a_capture_at_once_leave_no_money_behind(api, shop, settings):
    settings.SETTLEMENT_POLICY = "on_order"
    for _ in range(5):
        placed = world.an_order(api)
        one, _ = callers(api, 2)

        at_once([lambda a=one, o=placed: cancel(a, o), world.play_events])
        world.drive_everything(6, seconds=300)

        placed.refresh_from_db()
        payment = Payment.objects.get(pk=placed.payment_id)
        assert placed.state == "canceled"
        assert shop.holds(payment.reference) == []
        taken = sum(e["amount"] for e in shop.effects(payment.reference, "capture"))
        given_back = sum(e["amount"] for e in shop.effects(payment.reference, "refund"))
        assert taken == given_back


def test_an_adjustment_and_checkouts_at_once_never_sell_what_is_not_there(api, shop):
    builders.a_product("MUG-RARE", on_hand=6)
    lines = [{"sku": "MUG-RARE", "quantity": 1}]
    bodies = [builders.a_purchase(lines=lines) for _ in range(8)]
    lost = [lambda one=one: adjust(one, "MUG-RARE", -1) for one in callers(api, 6)]

    replies, changes = at_once(
        [
            lambda: checkouts_at_once(api, bodies, keys=[builders.a_key() for _ in bodies]),
            lambda: at_once(lost),
        ]
    )

    item = StockItem.objects.get(sku="MUG-RARE")
    sold = Counter(reply.status_code for reply in replies)[201]
    gone = Counter(reply.status_code for reply in changes)[201]
    assert item.reserved == sold
    assert item.on_hand == 6 - gone
    assert sold + gone == 6
    assert {r.json()["code"] for r in changes if r.status_code != 201} <= {"stock_below_reserved"}


def _adjust_by_reading_first(sku, delta, *, adjustment_id, by, reason, client_id=None):
    """The guard taken away: look at the shelf, decide, write what was decided."""
    item = StockItem.objects.get(sku=sku)
    connection.cursor().execute("SELECT pg_sleep(0.1)")  # time for the others to look as well
    StockItem.objects.filter(sku=sku).update(on_hand=item.on_hand + delta)
    return StockAdjustment.objects.create(
        id=adjustment_id, item=item, delta=delta, on_hand_after=item.on_hand + delta,
        reason=reason, actor=by,
    )  # fmt: skip


def test_control_without_the_guarded_update_adjustments_are_lost(api, shop, monkeypatch):
    monkeypatch.setattr(stocktaking, "adjust", _adjust_by_reading_first)
    builders.a_product("MUG-RARE", on_hand=100)

    at_once([lambda one=one: adjust(one, "MUG-RARE", -1) for one in callers(api, 8)])

    assert StockAdjustment.objects.count() == 8
    assert StockItem.objects.get(sku="MUG-RARE").on_hand > 92


def test_fulfillments_of_a_canceled_shipment_stay_consistent(api, order):
    made = [take_out(api, order, {"MUG-BLUE": 2}).json() for _ in range(4)]
    acts = [
        lambda one=one, ful=ful: patch(one, ful, status="canceled")
        for one, ful in zip(callers(api, 4), made, strict=True)
    ]

    assert {reply.status_code for reply in at_once(acts)} == {200}

    owed = Fulfillment.objects.get(is_automatic=True, state="pending")
    assert owed.lines.get().quantity == 8
