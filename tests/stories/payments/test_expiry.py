"""Holds that run out: told of in time, ended by the processor's word and not by our clock."""

import datetime as dt

import pytest

from events.models import OutboxEvent
from foundation import clock
from foundation.transactions import durable
from payments import hold_windows
from payments.models import Payment
from payments.services import capture, expire, steps
from payments.services.observe import look_and_observe
from tests import builders
from tests.stories import world
from tests.stories.payments.moves import amounts, usd

HOUR = 3600.0


def expiring():
    return OutboxEvent.objects.filter(type="payment.expiring").order_by("sequence")


def hours_before_the_end(payment, hours):
    payment.refresh_from_db()
    world.later((payment.capture_before - clock.now()).total_seconds() - hours * HOUR)


def sweep():
    expire.expire_authorizations(limit=50)


def end_at_the_processor(till, payment):
    till.backstage(f"holds/{payment.processor_reference}/expire")


def test_a_hold_is_told_of_a_day_before_it_runs_out_and_only_once(payment):
    hours_before_the_end(payment, 25)
    sweep()
    assert not expiring().exists()

    hours_before_the_end(payment, 23)
    sweep()
    sweep()

    (event,) = expiring()
    assert (event.payload["payment"], event.payload["action_due"]) == (payment.reference, False)
    assert event.payload["amount"] == usd(4298)
    assert event.payload["capture_before"].startswith(payment.capture_before.date().isoformat())


def test_hours_before_it_runs_out_whoever_needs_it_is_called_to_act_once(payment):
    hours_before_the_end(payment, 23)
    sweep()
    hours_before_the_end(payment, 5)
    sweep()
    sweep()

    assert [event.payload["action_due"] for event in expiring()] == [False, True]


def test_a_hold_first_seen_in_its_last_hours_is_told_of_once_and_at_once(payment):
    hours_before_the_end(payment, 5)
    sweep()

    assert [event.payload["action_due"] for event in expiring()] == [True]


def test_the_rest_of_a_hold_that_was_taken_in_part_runs_out_as_well(till, several):
    till.capture(several, 1000, final=False)
    hours_before_the_end(several, 23)
    sweep()

    assert expiring().get().payload["amount"] == usd(3298)


@pytest.mark.parametrize("move", ["capture", "void"])
def test_what_is_over_is_not_told_of(till, payment, move):
    getattr(till, move)(payment)
    hours_before_the_end(payment, 1)
    sweep()

    assert not expiring().exists()


def test_a_hold_that_ran_out_at_the_processor_is_expired_and_stops_its_order(till, payment):
    end_at_the_processor(till, payment)
    hours_before_the_end(payment, -1)

    sweep()
    world.play_events()

    assert amounts(payment) == ("expired", 0, 4298, 0)
    step = payment.transactions.get(kind="void")
    assert (step.note, step.source) == ("expired", "processor")
    payment.order.refresh_from_db()
    assert payment.order.state == "payment_required"


def test_a_hold_that_ran_out_before_the_deadline_we_know_is_expired_too(till, payment):
    end_at_the_processor(till, payment)

    look_and_observe(payment.pk, by="system:test", source="processor")

    assert amounts(payment) == ("expired", 0, 4298, 0)


def test_a_hold_that_somebody_let_go_is_voided_however_late_we_hear_of_it(till, payment):
    world.release_behind_our_back(payment)
    hours_before_the_end(payment, -1)

    sweep()

    assert amounts(payment) == ("voided", 0, 4298, 0)


def test_our_clock_alone_ends_nothing(till, payment):
    hours_before_the_end(payment, -1)

    sweep()

    assert amounts(payment) == ("authorized", 0, 0, 0)
    assert till.capture(payment).status_code == 201


def test_a_hold_the_processor_does_not_speak_of_is_asked_about_again_later(till, payment):
    end_at_the_processor(till, payment)
    hours_before_the_end(payment, -1)
    with world.processor_away():
        sweep()
    assert amounts(payment)[0] == "authorized"

    world.later(HOUR)
    sweep()

    assert amounts(payment)[0] == "expired"


def test_a_capture_that_came_first_wins_over_the_end_of_the_hold(till, payment):
    till.shop.fault("capture", "lost_reply", times=1)
    till.capture(payment)
    hours_before_the_end(payment, -1)

    sweep()
    world.sweeps(2, seconds=600)

    assert amounts(payment) == ("captured", 4298, 0, 0)


def test_an_end_that_came_first_wins_over_the_capture(till, payment):
    end_at_the_processor(till, payment)
    hours_before_the_end(payment, -1)

    reply = till.capture(payment)

    assert (reply.status_code, reply.json()["code"]) == (409, "payment_not_capturable")
    assert amounts(payment) == ("expired", 0, 4298, 0)


def test_the_sweep_leaves_alone_what_somebody_is_capturing(payment):
    hours_before_the_end(payment, -1)
    with durable():
        capture.claim(payment, steps.Wish("slow", "system"))

    sweep()

    assert amounts(payment)[0] == "capturing"


def test_what_was_taken_of_a_hold_stays_taken_when_the_rest_runs_out(till, several):
    till.capture(several, 1000, final=False)
    end_at_the_processor(till, several)
    hours_before_the_end(several, -1)

    sweep()

    assert amounts(several) == ("captured", 1000, 3298, 0)


@pytest.mark.parametrize(
    ("network", "days"), [("visa", 4.75), ("mastercard", 7), ("klarna", 27), ("unheard of", 4.75)]
)
def test_without_a_deadline_the_shortest_that_the_network_grants_counts(network, days):
    assert hold_windows.window(network) == dt.timedelta(days=days)


def test_a_hold_without_a_deadline_gets_its_networks(api, monkeypatch):
    monkeypatch.setattr("payments.processors.stripe_shapes.moment", lambda timestamp: None)

    api.checkout(builders.a_purchase(payment_method="pm_card_mastercard"))

    payment = Payment.objects.get()
    left = payment.capture_before - clock.now()
    assert dt.timedelta(days=6, hours=23) < left <= dt.timedelta(days=7)


@pytest.fixture
def a_crowd(payment):
    """Five more holds, which run out when the payment's does."""
    for _ in range(5):
        builders.PaymentFactory(
            state="authorized",
            authorized_amount=4298,
            capture_before=payment.capture_before,
            resolve_at=None,
        )


@pytest.mark.parametrize("hours", [23, 5])
def test_one_window_tells_of_all_holds_however_small_its_batches(payment, a_crowd, hours):
    hours_before_the_end(payment, hours)

    expire.expire_authorizations(limit=2)

    assert expiring().values("payload__payment").distinct().count() == 6


def test_one_window_asks_about_all_that_have_ended(payment, a_crowd, monkeypatch):
    asked = []
    monkeypatch.setattr(expire, "look_and_observe", lambda pk, **_: asked.append(pk))
    hours_before_the_end(payment, -1)

    expire.expire_authorizations(limit=2)

    assert len(set(asked)) == len(asked) == 6


def test_a_window_whose_time_is_over_leaves_the_rest_to_the_next(payment, a_crowd, settings):
    budget, settings.SWEEP_BUDGET_SECONDS = settings.SWEEP_BUDGET_SECONDS, 0.0
    hours_before_the_end(payment, 5)
    expire.expire_authorizations(limit=2)
    assert not expiring().exists()

    settings.SWEEP_BUDGET_SECONDS = budget
    expire.expire_authorizations(limit=2)

    assert expiring().count() == 6
