"""A cancellation goes on from every point at which its runner can die; nobody comes back for it.

Each test places the rows as the crash left them, or lets the runner really die; then only the
sweeps run.
"""

import pytest

from foundation.models import IdempotencyKey
from orders import inventory, repayment
from orders.cancellation.recovery import recover_cancellations
from orders.models import Cancellation, Order, Reservation, StockItem
from payments.models import Payment
from payments.services import reauthorize, void
from tests import builders
from tests.races.crowd import at_once
from tests.stories import world
from tests.stories.orders.desk import cancel


@pytest.fixture
def order(api):
    return world.an_order(api)


def sweep_to_the_end(rounds=8):
    for _ in range(rounds):
        world.later(120)
        world.sweep()
    assert recover_cancellations(limit=10) == 0


def assert_undone(shop, order):
    key = IdempotencyKey.objects.get(subject_kind="cancellation")
    assert (key.state, key.response_status) == ("completed", 200)
    assert Order.objects.get().state == "canceled"
    assert Cancellation.objects.get().state == "completed"
    assert shop.holds(order.payment.reference) == []
    assert len(shop.effects(order.payment.reference, "cancel")) == 1
    assert Reservation.objects.get().state == "released"
    assert StockItem.objects.get().reserved == 0


def test_died_before_the_call_the_hold_is_released_once(shop, order):
    builders.a_cancellation_of(order)

    sweep_to_the_end()

    assert_undone(shop, order)


def test_died_when_the_hold_was_released_and_nobody_was_told(api, shop, order, monkeypatch):
    world.die_after(monkeypatch, "void")
    with pytest.raises(world.ProcessDied):
        cancel(api, order)
    assert Payment.objects.get().state == "voiding"

    sweep_to_the_end()

    assert_undone(shop, order)


def test_died_when_the_release_was_stored_and_the_story_was_not(shop, order):
    builders.a_cancellation_of(order)
    void.void(order.payment_id, by="api:shop", reason="the run that died")

    sweep_to_the_end()

    assert_undone(shop, order)


def test_died_in_the_last_transaction_all_of_it_is_done_again(api, shop, order, monkeypatch):
    def died(*args, **kwargs):
        raise world.ProcessDied

    with monkeypatch.context() as patched:
        patched.setattr(inventory, "release", died)
        with pytest.raises(world.ProcessDied):
            cancel(api, order)
    assert Order.objects.get().state == "canceling"
    assert Payment.objects.get().state == "voided"
    assert StockItem.objects.get().reserved == 2

    sweep_to_the_end()

    assert_undone(shop, order)


def test_the_commit_that_ends_it_is_lost_and_it_ended_all_the_same(api, shop, order, monkeypatch):
    key = builders.a_key()
    lost = world.lose_commit(
        monkeypatch, when=lambda: Order.objects.filter(state="canceled").exists()
    )
    assert cancel(api, order, key=key).status_code in (200, 503)
    assert lost
    monkeypatch.undo()
    world.reconnect()

    assert cancel(api, order, key=key).status_code == 200
    assert_undone(shop, order)


def test_a_live_lease_is_left_alone(shop, order):
    builders.a_cancellation_of(order, leased_seconds=3600)

    assert recover_cancellations(limit=10) == 0
    assert len(shop.holds(order.payment.reference)) == 1


def test_many_who_take_it_over_at_once_release_the_hold_once(shop, order):
    builders.a_cancellation_of(order)

    at_once([lambda: recover_cancellations(limit=10)] * 8)
    sweep_to_the_end(2)

    assert_undone(shop, order)


def test_one_that_can_not_go_on_does_not_keep_the_others_waiting(api, shop, order, monkeypatch):
    first = builders.a_cancellation_of(order)
    other = world.an_order(api)
    builders.a_cancellation_of(other)
    real = inventory.release

    def broken(checkout_id, **options):
        if checkout_id == order.checkout_id:
            raise RuntimeError("a bug")
        real(checkout_id, **options)

    monkeypatch.setattr(inventory, "release", broken)

    assert recover_cancellations(limit=10) == 2

    assert Cancellation.objects.get(order=other).state == "completed"
    first.refresh_from_db()
    assert first.state == "releasing"


def test_a_new_hold_that_was_asked_for_while_its_order_was_canceled_is_released(
    api, shop, monkeypatch
):
    """The order was placed when the hold was claimed, and canceled before it was asked for."""
    order = world.an_order(api)
    real = reauthorize.send

    def too_late(made, **asked):
        world.elsewhere(lambda: cancel(api, order))
        return real(made, **asked)

    monkeypatch.setattr(reauthorize, "send", too_late)
    made = repayment.ask_again(order.pk, by="staff:ana", reason="asked", source="staff")
    assert made.state == "authorized"

    world.drive_everything(2)

    assert Order.objects.get(pk=order.pk).state == "canceled"
    assert shop.holds(made.reference) == []
    made.refresh_from_db()
    assert made.state == "voided"


def test_the_same_although_the_news_of_the_new_hold_was_lost(api, shop):
    order = world.an_order(api)
    cancel(api, order)
    made = reauthorize.reauthorize(order.payment_id, by="staff:ana", reason="late")
    world.lose_events()

    world.drive_everything(2, seconds=601)

    assert shop.holds(made.reference) == []
