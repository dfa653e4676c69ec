"""Who waits for an order's lock finds it as it is then, with the hold it stands on by then."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from foundation.ids import new_id
from orders import fulfillment, repayment
from orders.fulfillment import Change, rows
from orders.models import Order
from payments.models import Payment
from tests.stories import world
from tests.stories.orders.test_expiry import an_order

# Within a transaction the first look is kept, so it is forgotten before the next.
FORGET = "SELECT pg_stat_clear_snapshot()"
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"


@pytest.fixture
def order(api, settings):
    """Held and owed; its money is for people to take."""
    return an_order(api, settings, "manual")


@pytest.fixture
def another_hold(order):
    """Of the same amount, made in place of the first."""
    made = Payment.objects.get(pk=order.payment_id)
    made.pk, made.replaces_id = new_id(), order.payment_id
    made.processor_reference, made.claimed_id = "", None
    made.save(force_insert=True)
    return made


def until_somebody_waits_for_an_order():
    with connection.cursor() as cursor:
        for _ in range(150):
            cursor.execute(FORGET)
            cursor.execute(WAITS, ["%orders_order%"])
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


def ship_while_it_is_adopted(monkeypatch, order, another_hold):
    """The warehouse's message waits for the lock that the adoption holds; what became of it."""
    shipment, go_on, waiting = order.fulfillments.get(), repayment.go_on, []

    def ship():
        try:
            return fulfillment.change(shipment.pk, Change("shipped"), by="warehouse")
        finally:
            connection.close()

    def go_on_once_somebody_waits(adopting, *, reason):
        waiting.append(pool.submit(ship))
        until_somebody_waits_for_an_order()
        go_on(adopting, reason=reason)

    monkeypatch.setattr(repayment, "go_on", go_on_once_somebody_waits)
    with ThreadPoolExecutor(1) as pool:
        repayment.adopt(order.pk, another_hold)
        return waiting[0].result(30)


def test_a_shipment_that_waited_while_another_hold_was_adopted_leaves_on_that_one(
    order, another_hold, monkeypatch
):
    shipped = ship_while_it_is_adopted(monkeypatch, order, another_hold)

    assert shipped.state == "shipped"
    assert Order.objects.get().payment_id == another_hold.pk
    world.lose_events()  # the second hold is one of ours alone: the processor knows nothing of it


def test_control_locked_with_a_join_the_order_is_not_found_after_the_wait(
    order, another_hold, monkeypatch
):
    joined = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("payment")
    monkeypatch.setattr(rows, "locked", lambda order_id: joined.get(pk=order_id))

    with pytest.raises(Order.DoesNotExist):
        ship_while_it_is_adopted(monkeypatch, order, another_hold)
