"""Goods ship in the moment in which their hold is let go of; without the locks they go unpaid."""

import time
from threading import Event

import pytest

from orders import expiry, payment_guard, repayment
from orders.fulfillment import rows
from orders.models import Fulfillment, Order
from orders.refusals import ShippedGoodsUnpaid
from payments.services import steps
from tests import builders
from tests.conftest import Api
from tests.races.crowd import at_once
from tests.stories import world
from tests.stories.orders.desk import patch, shipments, take_out
from tests.stories.orders.test_expiry import an_order, now, runs_out_in

SECONDS_BETWEEN = 0.4


def ask_anew(order):
    """A person has the hold replaced."""
    repayment.ask_again(order.pk, by="staff:ana", reason="asked", source="staff")


def act_in_its_last_hours(order):
    """The hold is about to die, and the policy's plan is carried out."""
    expiry.act(order.payment_id)


# Who lets go of the hold, whether the shop asks for another, and the look that it goes by.
DEEDS = pytest.mark.parametrize(
    ("deed", "asks_anew", "look"),
    [
        (ask_anew, True, (repayment, "newest")),
        (act_in_its_last_hours, True, (expiry, "plan")),
        (act_in_its_last_hours, True, (repayment, "newest")),
        (act_in_its_last_hours, False, (expiry, "plan")),
    ],
    ids=["asked", "planned", "replaced", "let-go"],
)


@pytest.fixture
def ship_after_the_look(api, shop, settings, monkeypatch):
    """Somebody ships between a look at the order and what is done by it."""

    def run(deed, asks_anew, look):
        settings.EXPIRY_REAUTHORIZE = asks_anew
        order = an_order(
            api, settings, "on_fulfillment", payment_method=builders.several_captures()
        )
        shipment = take_out(api, order, {"MUG-BLUE": 1}).json()
        runs_out_in(settings.EXPIRY_ACT_SECONDS - 60)
        world.sweep()
        looked = slowly(monkeypatch, *look)

        def ship():
            assert looked.wait(10)
            return patch(Api(api.key), shipment, status="shipped")

        at_once([lambda: deed(order), ship])
        return order

    return run


def slowly(monkeypatch, module, name):
    """After its first call time goes by before anything is done by it; the event is when."""
    looked, function = Event(), getattr(module, name)

    def slow(*given):
        seen = function(*given)
        if not looked.is_set():
            looked.set()
            time.sleep(SECONDS_BETWEEN)
        return seen

    monkeypatch.setattr(module, name, slow)
    return looked


def is_shipped_unpaid(order):
    """It left the house, and the hold that it left on is gone."""
    is_shipped = Fulfillment.objects.filter(order=order, state="shipped").exists()
    order.payment.refresh_from_db()
    return is_shipped and order.payment.state in ("voiding", "voided")


@DEEDS
def test_nothing_leaves_on_a_hold_that_is_being_let_go_of(
    ship_after_the_look, deed, asks_anew, look
):
    assert not is_shipped_unpaid(ship_after_the_look(deed, asks_anew, look))


@DEEDS
def test_control_without_the_locks_goods_leave_unpaid(
    ship_after_the_look, monkeypatch, deed, asks_anew, look
):
    """Nor with the look at what has shipped, which comes after the first one."""

    def unlocked(order_id):
        return Order.objects.select_related("payment", "checkout").get(pk=order_id)

    monkeypatch.setattr(rows, "locked", unlocked)
    monkeypatch.setattr(steps, "lock_and_read", lambda payment: payment.refresh_from_db())
    monkeypatch.setattr(payment_guard, "refuse_if_shipped_unpaid", lambda order: None)

    assert is_shipped_unpaid(ship_after_the_look(deed, asks_anew, look))


@pytest.fixture
def shipped(api, shop, settings):
    """All of it left, and nothing was taken yet: the shop takes by hand."""
    order = an_order(api, settings, "manual")
    (shipment,) = shipments(api, order)
    patch(api, shipment, status="shipped")
    Order.objects.update(state="fulfilling")  # a shipment more is owed
    return now(order)


def test_a_hold_that_shipped_goods_wait_to_be_taken_from_is_not_replaced(shop, shipped):
    with pytest.raises(ShippedGoodsUnpaid):
        ask_anew(shipped)

    assert now(shipped).payment.state == "authorized"
