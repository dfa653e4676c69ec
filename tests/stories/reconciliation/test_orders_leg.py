"""Payments are compared with orders too: money without an order, orders without money."""

import datetime as dt

import pytest

from foundation import clock
from foundation.ids import new_id
from orders.models import Fulfillment, Order
from payments.models import Payment
from reconciliation import runs
from reconciliation.models import ReconciliationBreak
from tests import builders
from tests.reconciliation.books import a_report
from tests.stories import world


@pytest.fixture
def order(api):
    """One order, held and nothing else."""
    return world.an_order(api)


def reconcile():
    """The run of the day on which all of it happened, once that is over."""
    day = clock.now().date()
    begin, end = runs.day_of("stripe", day)
    a_report(covers=(begin, end))
    clock.move(end + dt.timedelta(hours=2) - clock.now())
    run = runs.reconcile(account="stripe", day=day, by="test")
    assert run.state == "completed", run.error
    return {(row.kind, row.state): row for row in ReconciliationBreak.objects.all()}


def change(payment, **facts):
    Payment.objects.filter(pk=payment.pk).update(**facts)


def test_an_order_whose_money_is_held_is_no_break(order):
    assert reconcile() == {}


@pytest.mark.parametrize(
    ("state", "amounts", "kind"),
    [
        ("authorized", {"authorized_amount": 4298}, "orphan_authorization"),
        ("captured", {"authorized_amount": 4298, "captured_amount": 4298}, "orphan_capture"),
    ],
)
@pytest.mark.parametrize("checkout", ["failed", "compensated", "expired"])
def test_money_for_which_there_is_no_order_is_a_break(shop, state, amounts, kind, checkout):
    built = builders.a_checkout_at(payment_state=state, state=checkout)
    change(built.payment, **amounts)

    row = reconcile()[kind, "open"]

    assert (row.amount, row.payment_id) == (4298, built.payment_id)
    assert row.ours["checkout"] == checkout


def test_money_that_a_checkout_is_at_work_on_is_not(shop):
    built = builders.a_checkout_at(payment_state="authorized", state="in_review")
    change(built.payment, authorized_amount=4298)

    assert reconcile() == {}


def test_an_order_for_which_nothing_was_ever_held_is_a_break(order):
    change(order.payment, state="declined", authorized_amount=0)

    row = reconcile()["order_without_payment", "open"]

    assert (row.amount, row.order_number) == (order.total_amount, order.number)


def test_goods_that_left_on_a_dead_hold_are_a_break(order):
    world.play_events()
    Fulfillment.objects.update(state="shipped")
    change(order.payment, state="expired", captured_amount=0)

    row = reconcile()["expired_uncaptured_shipped", "open"]

    assert row.amount == order.total_amount


def test_an_outcome_that_stays_unknown_for_a_day_is_a_break(order):
    yesterday = clock.now() - dt.timedelta(days=1, minutes=1)
    change(order.payment, state="capturing", asked_at=yesterday)

    assert ("unknown_stale", "open") in reconcile()


def test_two_payments_taken_for_one_order_are_a_break_of_the_smaller(order):
    change(order.payment, state="captured", captured_amount=order.total_amount)
    second = Payment.objects.get(pk=order.payment_id)
    second.pk, second.processor_reference, second.claimed_id = builders.new_id(), "pi_2", None
    second.save(force_insert=True)

    row = reconcile()["duplicate_charge", "open"]

    assert (row.amount, row.order_number) == (order.total_amount, order.number)
    assert len(row.ours) == 2


def test_such_a_break_ends_by_itself_once_it_is_mended(order):
    change(order.payment, state="declined", authorized_amount=0)
    reconcile()
    Order.objects.update(state="canceled")

    assert set(reconcile()) == {("order_without_payment", "auto_resolved")}


def test_a_hold_that_outlived_its_canceled_order_is_a_break(order):
    Order.objects.filter(pk=order.pk).update(state="canceled")

    row = reconcile()["orphan_authorization", "open"]

    assert (row.amount, row.payment_id) == (4298, order.payment_id)
    assert row.ours["order"] == "canceled"


def test_a_hold_that_its_order_went_on_without_is_a_break_and_the_new_one_is_none(order):
    old = order.payment
    new = Payment.objects.get(pk=old.pk)
    new.pk, new.processor_reference, new.claimed_id = new_id(), "pi_new", None
    new.replaces_id = old.pk
    new.save(force_insert=True)
    assert reconcile() == {}  # it is about to follow
    Order.objects.filter(pk=order.pk).update(payment_id=new.pk)

    row = reconcile()["orphan_authorization", "open"]

    assert row.payment_id == old.pk


def test_money_that_a_canceled_order_keeps_is_a_break(order):
    change(order.payment, state="partially_refunded", captured_amount=4298, refunded_amount=298)
    Order.objects.filter(pk=order.pk).update(state="canceled")

    assert reconcile()["orphan_capture", "open"].amount == 4000


def test_money_that_is_on_its_way_back_is_not_kept(order):
    change(order.payment, state="captured", captured_amount=4298, refund_pending_amount=4298)
    Order.objects.filter(pk=order.pk).update(state="canceled")

    assert ("orphan_capture", "open") not in reconcile()
