"""After an outage of our endpoint everything arrives: the processor's list is read to its end."""

import datetime as dt

import pytest
from django.core.management import CommandError, call_command

from foundation import clock
from payments.models import EventListing, Payment, ProcessorEvent
from payments.services import catch_up
from tests.stories import world


@pytest.fixture(autouse=True)
def _what_other_tests_did_is_over(settings):
    """They share the processor; the hour before our first payment is theirs."""
    settings.PROCESSOR_EVENT_OVERLAP_SECONDS = 0.0


def events_of(payment, **facts):
    reference = Payment.objects.get(pk=payment.pk).processor_reference
    return ProcessorEvent.objects.filter(processor_reference=reference, **facts)


@pytest.fixture
def order(api):
    """Bought and captured; the processor told us nothing of it."""
    order = world.an_order(api)
    world.play_events()
    return order


def caught_up(**options):
    return list(catch_up.catch_up("stripe", since=options.get("since")))[-1]


def test_what_happened_while_nobody_listened_is_followed(order, dashboard):
    dashboard.refund(order.payment, 700)

    world.sweep_only("catch_up_processor_events")
    world.play_events()

    assert Payment.objects.get().refunded_amount == 700
    rows = events_of(order.payment)
    assert {row.state for row in rows} == {"processed"}
    assert {row.arrival for row in rows} == {"catch_up"}


def test_it_goes_on_where_it_came_to_and_stores_nothing_twice(order, dashboard):
    first = caught_up()
    assert first.missing == first.listed > 0
    stored = ProcessorEvent.objects.count()

    second = caught_up()
    assert (second.missing, ProcessorEvent.objects.count()) == (0, stored)

    dashboard.refund(order.payment, 700)
    third = caught_up()
    assert third.missing == ProcessorEvent.objects.count() - stored > 0
    assert events_of(order.payment, type="refund.created").count() == 1


def test_what_was_delivered_is_not_stored_again_nor_delivered_again_refused(order, courier):
    (event, *_) = courier.events(order.payment, "payment_intent.succeeded")
    courier.send(event)

    caught_up()

    assert ProcessorEvent.objects.get(external_id=event["id"]).arrival == "webhook"
    (listed, *_) = courier.events(order.payment, "charge.captured")
    assert courier.send(listed) == [200], "stored from the list, then delivered after all"


def test_more_than_one_page_arrives_whole_and_oldest_first(api, dashboard, monkeypatch):
    payment = world.an_order(api).payment
    world.play_events()
    monkeypatch.setattr(catch_up, "_CHUNK", 7)
    for _ in range(60):
        dashboard.refund(payment, 1)

    steps = list(catch_up.catch_up("stripe", since=None))

    assert events_of(payment, type="refund.created").count() == 60
    moments = [step.until for step in steps]
    assert moments == sorted(moments)
    assert ProcessorEvent.objects.count() == steps[-1].listed > 100


def test_a_run_that_is_cut_short_is_gone_on_with(order, dashboard, monkeypatch):
    monkeypatch.setattr(catch_up, "_CHUNK", 1)
    dashboard.refund(order.payment, 700)
    next(catch_up.catch_up("stripe", since=None))
    assert ProcessorEvent.objects.count() == 1
    assert EventListing.objects.get().read_until == ProcessorEvent.objects.get().happened_at

    caught_up()

    assert events_of(order.payment, type="refund.created").count() == 1


def test_the_hourly_job_runs_once_in_its_hour_and_again_in_the_next(order, dashboard):
    world.sweep_only("catch_up_processor_events")
    dashboard.refund(order.payment, 700)
    world.sweep_only("catch_up_processor_events")
    assert not events_of(order.payment, type="refund.created").exists()

    world.later(3600)
    world.sweep_only("catch_up_processor_events")
    assert events_of(order.payment, type="refund.created").exists()


def test_before_the_first_payment_there_is_nothing_to_catch_up(shop, capsys):
    assert list(catch_up.catch_up("stripe", since=None)) == []

    call_command("catch_up_events")
    assert "no payment yet" in capsys.readouterr().out


def test_by_hand_it_shows_how_far_it_is(order, capsys):
    call_command("catch_up_events", since=clock.now() - dt.timedelta(hours=1))

    lines = capsys.readouterr().out.splitlines()
    count = ProcessorEvent.objects.count()
    assert count > 0
    assert f"{count} listed, {count} were missing" in lines[-1]


def test_a_later_beginning_does_not_claim_that_what_lies_before_was_read(order):
    caught_up()
    known = EventListing.objects.get().read_until

    caught_up(since=clock.now() + dt.timedelta(seconds=1))

    assert EventListing.objects.get().read_until == known


def test_when_the_processor_is_away_nothing_is_claimed_and_the_command_fails(order):
    with world.processor_away(), pytest.raises(CommandError, match="did not answer"):
        call_command("catch_up_events")

    assert not EventListing.objects.exists()
