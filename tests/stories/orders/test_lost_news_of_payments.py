"""A broker may lose what a payment had to tell: the rows say it too, and the sweep reads them."""

import pytest

from foundation import cases
from orders import repayment, unheard
from orders.cancellation import follow
from orders.models import Order
from payments.models import Payment
from payments.services import capture, refund, void
from tests.at_the_processor import Dashboard
from tests.stories import world
from tests.stories.orders.test_expiry import an_order, now, runs_out_in
from tests.stories.test_cases import act, the_case


@pytest.fixture
def waiting(api, settings):
    """An order that waits for the warehouse: nothing is due by itself, nobody watches it."""
    order = an_order(api, settings, "on_fulfillment")
    assert now(order).next_step_at is None
    return order


def test_a_hold_is_replaced_although_the_call_for_action_was_lost(shop, settings, waiting):
    runs_out_in(settings.EXPIRY_ACT_SECONDS - 60)
    world.sweep()
    world.lose_events()

    world.drive_everything(4, seconds=601)

    fresh = now(waiting)
    assert fresh.payment_id != waiting.payment_id
    assert (fresh.state, fresh.payment.state) == ("fulfilling", "authorized")


def test_an_order_is_canceled_although_the_news_of_its_void_was_lost(shop, waiting):
    void.void(waiting.payment_id, by="staff:ana", reason="asked")
    world.lose_events()

    world.drive_everything(4, seconds=601)

    assert now(waiting).state == "canceled"


def test_an_order_waits_for_money_although_the_news_of_the_expiry_was_lost(shop, waiting):
    Dashboard(shop).expire(waiting.payment)
    runs_out_in(-1)
    world.sweep()
    world.lose_events()

    world.drive_everything(4, seconds=601)

    assert now(waiting).state == "payment_required"


def test_an_order_goes_on_with_its_new_hold_although_the_news_of_it_was_lost(shop, waiting):
    Dashboard(shop).expire(waiting.payment)
    runs_out_in(-1)
    world.drive_everything(3)
    assert now(waiting).state == "payment_required"
    made = repayment.ask_again(waiting.pk, by="staff:ana", reason="asked", source="staff")
    assert made.state == "authorized"
    world.lose_events()

    world.drive_everything(4, seconds=601)

    fresh = now(waiting)
    assert (fresh.payment_id, fresh.state) == (made.pk, "fulfilling")


def test_an_order_goes_on_although_its_new_hold_was_taken_and_given_back_in_part(shop, waiting):
    Dashboard(shop).expire(waiting.payment)
    runs_out_in(-1)
    world.drive_everything(3)
    made = repayment.ask_again(waiting.pk, by="staff:ana", reason="asked", source="staff")
    capture.capture(made.pk, by="api:shop")
    refund.refund(made.pk, amount=1000, by="api:shop", reason="for the delay")
    world.lose_events()

    world.drive_everything(4, seconds=601)

    fresh = now(waiting)
    assert (fresh.payment_id, fresh.payment.state) == (made.pk, "partially_refunded")
    assert fresh.state == "fulfilling"


def test_all_whose_news_was_lost_are_followed_in_one_run_however_small_its_batches(api, settings):
    settings.SETTLEMENT_POLICY = "manual"
    for _ in range(3):
        assert api.checkout().status_code == 201
    world.play_events()
    for payment in Payment.objects.all():
        void.void(payment.pk, by="staff:ana", reason="asked")
    world.lose_events()

    unheard.follow_unheard(limit=1)

    assert set(Order.objects.values_list("state", flat=True)) == {"canceled"}


@pytest.fixture
def poisoned(api, settings, monkeypatch):
    """Three orders whose news was lost; to follow the first one fails."""
    settings.SETTLEMENT_POLICY = "manual"
    orders = []
    for _ in range(3):
        assert api.checkout().status_code == 201
    world.play_events()
    for payment in Payment.objects.all():
        void.void(payment.pk, by="staff:ana", reason="asked")
        orders.append(Order.objects.get(payment=payment))
    world.lose_events()
    real = follow.follow_payment

    def fail_for_the_first(payment_id):
        if payment_id == orders[0].payment_id:
            raise RuntimeError("poison")
        real(payment_id)

    with monkeypatch.context() as poison:
        poison.setattr(follow, "follow_payment", fail_for_the_first)
        unheard.follow_unheard(limit=1)
    return orders


def test_one_that_can_not_be_followed_holds_up_nobody_and_becomes_a_case(shop, poisoned):
    first, *others = [now(order) for order in poisoned]

    assert first.state == "fulfilling"
    assert {order.state for order in others} == {"canceled"}
    assert the_case("order_not_followed").aggregate_id == first.pk


def test_a_person_has_it_followed_and_the_case_ends(shop, poisoned):
    told = act(the_case("order_not_followed"), "retry")

    assert told == "The order is canceled now."
    assert the_case("order_not_followed").state == "resolved"


def test_the_case_ends_by_itself_once_the_sweep_could_follow(shop, poisoned):
    unheard.follow_unheard(limit=1)
    cases.resolve_healed(limit=10)

    assert the_case("order_not_followed").state == "resolved"
