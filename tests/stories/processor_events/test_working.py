"""An event is a reason to look, never a fact to apply: late or twice, it is the same."""

import itertools

import pytest

from events.models import OutboxEvent
from payments.models import Payment, ProcessorEvent
from payments.services import observe, work_event
from tests.stories import world
from tests.stories.processor_events.rows import told_without


def states():
    return set(ProcessorEvent.objects.values_list("state", flat=True))


@pytest.fixture
def order(api):
    """Bought, captured and owed by the warehouse: nothing of it is left to be done."""
    order = world.an_order(api)
    world.play_events()
    order.refresh_from_db()
    order.payment.refresh_from_db()
    return order


def test_events_about_what_we_did_ourselves_change_nothing(order, courier):
    before = told_without(order.payment)

    statuses = courier.send_all(order.payment)
    world.play_events()

    assert len(statuses) >= 4
    assert told_without(order.payment) == before
    assert states() == {"processed", "ignored"}


@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_and_each_three_times_they_change_nothing(order, courier, seed):
    events = courier.events(order.payment)
    shuffled = list(itertools.permutations(events[-4:]))[seed * 4]
    before = told_without(order.payment)

    for event in shuffled:
        assert courier.send(event, times=3)[1:] == [200, 200]
    world.play_events()

    assert told_without(order.payment) == before
    assert ProcessorEvent.objects.count() == len(shuffled)


def test_a_stale_event_about_the_hold_does_not_undo_the_capture(order, courier):
    (held,) = courier.events(order.payment, "payment_intent.amount_capturable_updated")
    before = told_without(order.payment)

    courier.send(held)
    world.later(3 * 86_400)
    world.sweep()

    assert told_without(order.payment) == before
    assert states() == {"processed"}


def test_one_look_answers_all_the_events_of_a_payment(order, courier, shop):
    courier.send_all(order.payment)
    asked = len(shop.requests(order.payment.reference))

    world.play_events()

    looks = shop.requests(order.payment.reference)[asked:]
    assert [r["operation"] for r in looks].count("retrieve") == 1
    assert states() == {"processed", "ignored"}


def test_an_event_whose_message_was_lost_is_worked_by_the_sweep(order, courier, dashboard):
    dashboard.refund(order.payment, 500)
    courier.send_all(order.payment, "refund.created")
    world.lose_events()

    world.later(10)
    world.sweep()

    assert Payment.objects.get().refunded_amount == 500
    assert states() == {"processed"}


def test_an_event_whose_worker_died_is_worked_again_after_its_lease(order, courier, monkeypatch):
    courier.send_all(order.payment, "payment_intent.succeeded")
    monkeypatch.setattr(work_event, "look_and_observe", _dies)
    with pytest.raises(world.ProcessDied):
        world.play_events()
    monkeypatch.undo()

    world.sweep()
    assert states() == {"received"}, "a living worker may still be at it"
    world.later(91)
    world.sweep()
    assert states() == {"processed"}


def _dies(*_args, **_facts):
    raise world.ProcessDied


def test_while_the_processor_is_silent_an_event_waits_as_long_as_it_takes(order, courier):
    courier.send_all(order.payment, "payment_intent.succeeded")
    with world.processor_away():
        for _ in range(4):
            world.play_events()
            world.later(20 * 3600)
            world.sweep()
        assert states() == {"parked"}

    world.later(3600)
    world.sweep()

    assert states() == {"processed"}


def test_what_no_payment_of_ours_is_known_for_is_parked_and_then_left_to_a_person(
    order, courier, dashboard
):
    foreign = dashboard.foreign_payment()
    courier.send_all(foreign["id"], "payment_intent.succeeded")

    world.play_events()
    assert states() == {"parked"}

    world.drive_everything(rounds=3, seconds=20 * 3600)
    row = ProcessorEvent.objects.get()
    assert (row.state, row.payment) == ("dead", None)
    assert "no payment of ours" in row.outcome


def test_an_event_that_came_before_its_payment_was_known_is_followed_once_it_is(
    order, courier, dashboard
):
    dashboard.refund(order.payment, 500)
    courier.send_all(order.payment, "refund.created")
    known_as = order.payment.processor_reference
    Payment.objects.update(processor_reference="")
    world.play_events()
    assert states() == {"parked"}

    Payment.objects.update(processor_reference=known_as)
    world.later(10)
    world.sweep()

    assert states() == {"processed"}
    assert Payment.objects.get().refunded_amount == 500


def test_another_object_that_carries_our_reference_is_never_taken_for_our_payment(
    order, courier, dashboard
):
    """A second hold of one payment, should there ever be one, is for a person."""
    courier.send_all(order.payment, "payment_intent.succeeded")
    world.lose_events()
    ProcessorEvent.objects.update(processor_reference="pi_of_nobody")
    before = told_without(order.payment)

    world.later(10)
    world.sweep()

    row = ProcessorEvent.objects.get()
    assert (row.state, row.payment) == ("dead", order.payment)
    assert told_without(order.payment) == before


def test_an_event_that_breaks_our_code_is_tried_a_few_times_and_holds_up_no_other(
    order, courier, monkeypatch, settings
):
    poison, *_ = courier.events(order.payment, "payment_intent.succeeded")
    courier.send(poison)
    monkeypatch.setattr(work_event, "look_and_observe", _breaks)
    world.play_events()
    for _ in range(settings.PROCESSOR_EVENT_TRIES_MAX):
        world.later(3600)
        world.sweep()

    row = ProcessorEvent.objects.get()
    assert (row.state, row.attempts) == ("dead", settings.PROCESSOR_EVENT_TRIES_MAX)
    assert "ValueError" in row.outcome


def _breaks(*_args, **_facts):
    raise ValueError("a bug")


def test_an_event_of_a_payment_in_other_hands_waits_for_them(order, courier, monkeypatch):
    courier.send_all(order.payment, "payment_intent.succeeded")
    monkeypatch.setattr(work_event, "look_and_observe", _in_flight)
    world.play_events()
    row = ProcessorEvent.objects.get()
    assert (row.state, row.payment) == ("parked", order.payment)
    assert OutboxEvent.objects.filter(type="payment.news").count() == 1

    monkeypatch.undo()
    world.later(10)
    world.sweep()
    assert states() == {"processed"}


def _in_flight(*_args, **_facts):
    raise observe.InFlight
