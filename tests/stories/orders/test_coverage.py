"""An order stays in line with what covers it: short of money it stops, paid it goes on."""

import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import OutboxEvent
from foundation.models import Case
from foundation.transactions import durable
from orders import unheard
from orders.cancellation import coverage, follow_payment
from orders.fulfillment import rows
from orders.models import Fulfillment, Order, OrderLine, StockItem
from payments.models import Source
from payments.services.observe import look_and_observe
from tests import builders
from tests.at_the_processor import Dashboard
from tests.invariants.test_rules import broken
from tests.stories import world
from tests.stories.orders.desk import patch, take_out
from tests.stories.orders.test_expiry import an_order, effects, now, runs_out_in

TOTAL = 4298


@pytest.fixture
def dashboard(shop):
    return Dashboard(shop)


@pytest.fixture
def waiting(api, settings):
    """An order that the warehouse owes, on a live hold."""
    return an_order(api, settings, "manual")


def learn(order):
    """Our rows are brought in line with what the processor shows; what is told is not played."""
    look_and_observe(order.payment_id, by="test", source=Source.PROCESSOR)


def told(kind):
    return OutboxEvent.objects.filter(type=kind).count()


def test_a_last_capture_of_a_part_stops_the_order_until_the_rest_is_paid(dashboard, waiting):
    dashboard.capture(waiting.payment, 4000)
    learn(waiting)
    world.play_events()

    assert now(waiting).state == "payment_required"
    assert "40.00 USD of it were taken" in Case.objects.get(kind="order_unpaid").detail
    assert Fulfillment.objects.get().state == "canceled"
    assert StockItem.objects.get().reserved == 2
    assert broken() == set()


def test_it_stops_although_the_news_of_that_capture_was_lost(dashboard, waiting):
    dashboard.capture(waiting.payment, 4000)
    learn(waiting)
    world.lose_events()

    world.drive_everything(seconds=601)

    assert now(waiting).state == "payment_required"


@pytest.fixture
def stopped_although_taken(dashboard, waiting, settings):
    """Its hold was to be let go in its last hours; somebody had taken it at the processor."""
    settings.EXPIRY_REAUTHORIZE = False
    dashboard.capture(waiting.payment)
    runs_out_in(settings.EXPIRY_ACT_SECONDS - 60)
    world.sweep()
    assert world.play_batch() == ["payment.expiring"]
    assert (now(waiting).state, now(waiting).payment.state) == ("payment_required", "captured")
    return waiting


def test_an_order_that_waits_for_money_goes_on_when_the_money_was_taken(
    shop, stopped_although_taken
):
    assert Case.objects.get(kind="order_unpaid").state == "open"

    world.play_events()

    order = now(stopped_although_taken)
    assert order.state == "fulfilling"
    assert Fulfillment.objects.filter(state="pending").count() == 1
    assert Case.objects.get(kind="order_unpaid").state == "resolved"
    assert told("order.payment_restored") == 1
    assert effects(shop, order.payment, "capture") == [TOTAL]
    assert broken() == set()


def test_it_goes_on_although_the_news_of_that_capture_was_lost(stopped_although_taken):
    world.lose_events()

    world.drive_everything(2, seconds=601)

    assert now(stopped_although_taken).state == "fulfilling"


def test_a_hold_alone_is_no_reason_to_go_on(waiting):
    with durable():
        coverage.stop_for_payment(rows.locked(waiting.pk), reason="let go of in a moment")

    follow_payment(waiting.payment_id)
    unheard.follow_unheard(limit=10)

    assert now(waiting).payment.state == "authorized"
    assert now(waiting).state == "payment_required"


def test_what_was_taken_and_given_back_is_no_reason_either(dashboard, stopped_although_taken):
    dashboard.refund(stopped_although_taken.payment, 100)
    learn(stopped_although_taken)

    world.play_events()
    unheard.follow_unheard(limit=10)

    assert now(stopped_although_taken).state == "payment_required"


@pytest.fixture
def shipped_in_part(api, settings, dashboard):
    """One of two mugs was shipped and taken; somebody let go of the rest at the processor."""
    order = an_order(api, settings, "on_fulfillment", payment_method=builders.several_captures())
    part = take_out(api, order, {"MUG-BLUE": 1}).json()
    patch(api, part, status="shipped")
    world.play_events()
    dashboard.cancel(now(order).payment)
    learn(order)
    return order


def test_a_rest_that_was_let_go_stops_the_order_that_was_shipped_in_part(shipped_in_part):
    assert world.play_events()[0] == "payment.remainder_released"

    assert now(shipped_in_part).state == "payment_required"
    assert sorted(f.state for f in Fulfillment.objects.all()) == ["canceled", "shipped"]
    assert broken() == set()


NEWS = ("payment.partially_captured", "payment.remainder_released", "fulfillment.shipped")


@pytest.mark.parametrize("order_of_news", list(itertools.permutations(NEWS)))
def test_news_in_any_order_and_twice_stop_it_once(shipped_in_part, order_of_news):
    for kind in (*order_of_news, *order_of_news):
        for event in OutboxEvent.objects.filter(type=kind):
            world.play(event)

    assert now(shipped_in_part).state == "payment_required"
    assert told("order.payment_required") == 1
    assert Case.objects.get(kind="order_unpaid").tries == 1


def test_an_ordinary_capture_costs_its_order_one_read_and_changes_nothing(api):
    order = world.an_order(api)
    world.play_events()
    before = now(order)

    with CaptureQueriesContext(connection) as asked:
        follow_payment(order.payment_id)

    assert len(asked) == 1
    after = now(order)
    assert (after.state, after.next_step_at) == (before.state, before.next_step_at)


@pytest.fixture
def half_gone(api, dashboard, waiting):
    """One mug of two left the house; then somebody let go of the hold at the processor."""
    patch(api, take_out(api, waiting, {"MUG-BLUE": 1}).json(), status="shipped")
    dashboard.cancel(waiting.payment)
    learn(waiting)
    return waiting


def test_what_left_on_a_hold_that_was_let_go_is_what_is_at_stake(half_gone):
    world.play_events()

    assert (now(half_gone).state, now(half_gone).payment.state) == ("payment_required", "voided")
    assert Case.objects.get(kind="shipped_unpaid").amount == 2299  # and not the mug still here
    assert Case.objects.get(kind="order_unpaid").amount == TOTAL


def test_what_left_and_came_to_nothing_is_nobodys_debt(half_gone):
    OrderLine.objects.update(unit_amount=0, net_amount=0)
    Order.objects.update(subtotal_amount=TOTAL, shipping_amount=0)

    world.play_events()

    assert not Case.objects.filter(kind="shipped_unpaid").exists()
    assert Case.objects.get(kind="order_unpaid").state == "open"
