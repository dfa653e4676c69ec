"""Payments, events and mails that do not heal by themselves reach a desk, and leave it healed."""

import datetime as dt
from contextlib import suppress

import pytest
from django.core.mail.backends.locmem import EmailBackend

from events import relay
from foundation import cases, clock
from foundation.models import Case
from orders.models import Notification
from payments.models import Payment
from payments.processors.base import OutcomeUnknown
from payments.processors.stripe import StripeProcessor
from payments.services import capture, refund
from payments.services.resolve import resolve_unknown
from tests.invariants.test_rules import broken
from tests.stories import world
from tests.stories.test_cases import DAY, act, the_case


@pytest.fixture
def a_capture_in_doubt(api, monkeypatch):
    """The capture's answer was lost, and the processor says nothing about it any more."""

    def silent(self, **asked):
        raise OutcomeUnknown("read timeout")

    world.an_order(api)
    with monkeypatch.context() as patched:
        patched.setattr(StripeProcessor, "capture", silent)
        patched.setattr(StripeProcessor, "find", silent)
        for _ in range(20):
            world.drive_everything(seconds=3601)
    return Payment.objects.get()


def test_a_capture_nobody_answers_for_is_a_case_and_ends_with_the_answer(a_capture_in_doubt):
    case = the_case("payment_outcome_unknown")
    assert (a_capture_in_doubt.state, case.amount) == ("capturing", 4298)

    world.later(120)
    told = act(case, "retry")

    assert told == "The payment is captured now."
    assert the_case("payment_outcome_unknown").state == "resolved"


def test_a_person_does_not_disturb_who_is_at_work_on_the_payment(a_capture_in_doubt):
    Payment.objects.update(leased_until=clock.now() + dt.timedelta(seconds=3599), look_ups=20)

    assert act(the_case("payment_outcome_unknown"), "retry") == "The payment is capturing now."


def test_a_payment_settled_by_others_ends_its_case_at_the_next_sweep(a_capture_in_doubt):
    world.drive_everything(2, seconds=DAY)
    cases.resolve_healed(limit=100)

    assert Payment.objects.get().state == "captured"
    case = the_case("payment_outcome_unknown")
    assert (case.state, case.ended_by) == ("resolved", "system:cases")


def test_more_taken_than_was_held_is_booked_as_far_as_it_was_and_a_person_ends_the_case(api, shop):
    order = world.an_order(api)
    shop.fault("capture", "wrong_amount_echoed")
    shop.fault("retrieve", "wrong_amount_echoed")
    world.lose_events()
    capture.capture(order.payment_id, by="test")
    world.later()
    resolve_unknown(limit=5)

    case = the_case("captured_above_hold")
    assert (case.aggregate_id, case.amount) == (order.payment_id, 1)
    assert Payment.objects.get().captured_amount == 4298

    shop.heal()
    assert "4298 USD captured" in act(case, "retry")
    assert the_case("captured_above_hold").state == "open"
    cases.close(case.pk, by="staff:ana", reason="an echo of the processor's")
    assert broken() == set()


def test_a_refund_nobody_answers_for_is_a_case_and_ends_with_the_answer(api, monkeypatch):
    def silent(self, **asked):
        raise OutcomeUnknown("read timeout")

    order = world.an_order(api)
    capture.capture(order.payment_id, by="test")
    with monkeypatch.context() as patched:
        patched.setattr(StripeProcessor, "refund", silent)
        patched.setattr(StripeProcessor, "find_refund", silent)
        refund.refund(order.payment_id, by="test", reason="came back")
        for _ in range(20):
            world.sweeps(seconds=3601)

    case = the_case("refund_outcome_unknown")
    assert case.amount == 4298
    world.later(120)
    assert act(case, "retry") == "The refund is succeeded now."
    assert the_case("refund_outcome_unknown").state == "resolved"


def test_an_event_that_can_not_be_told_is_a_case_and_is_told_again_on_request(api, settings):
    def broken_chain(event):
        raise TypeError("a bug in a chain")

    world.an_order(api)
    settings.RELAY_TRIES_MAX = 2
    for _ in range(3):
        relay.relay_batch(limit=10, send=broken_chain)
        world.later()
    assert Case.objects.filter(kind="event_dead", state="open").count() == 2
    assert broken() == set()

    for case in Case.objects.filter(kind="event_dead"):
        act(case, "retry")

    assert set(world.play_events()) >= {"order.placed", "payment.authorized"}
    assert not Case.objects.filter(state="open").exists()


@pytest.fixture
def a_mail_given_up(api, monkeypatch):
    """The mail server refused the confirmation as often as it was tried."""

    def refused(self, messages):
        raise ConnectionRefusedError

    order = world.an_order(api)
    with monkeypatch.context() as patched:
        patched.setattr(EmailBackend, "send_messages", refused)
        for _ in range(8):
            world.later(3601)
            world.sweep()
            with suppress(ConnectionRefusedError):
                world.play_events()
    order.refresh_from_db()
    return order


def test_a_mail_that_was_tried_in_vain_is_a_case_and_holds_up_nothing(a_mail_given_up):
    assert the_case("mail_given_up").aggregate_id == a_mail_given_up.pk
    assert a_mail_given_up.next_step_at is None
    assert not Case.objects.filter(kind="order_parked").exists()
    assert broken() == set()


def test_a_person_sends_it_once_the_server_is_back(a_mail_given_up, mailoutbox):
    world.later()
    assert act(the_case("mail_given_up"), "retry") == "Sent."

    assert len(mailoutbox) == 1
    assert Notification.objects.get().sent_at is not None
    assert the_case("mail_given_up").state == "resolved"
