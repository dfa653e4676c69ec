"""Payments, events and mails that do not heal by themselves reach a desk, and leave it healed."""

from contextlib import contextmanager, suppress

import pytest
from django.core.mail.backends.locmem import EmailBackend

from events import relay
from foundation import cases, idempotency
from foundation.models import Case
from orders.models import Notification
from payments.models import Payment, Refund
from payments.processors.base import OutcomeUnknown
from payments.processors.stripe import StripeProcessor
from payments.services import capture, refund
from payments.services.resolve import resolve_unknown
from tests.invariants.test_rules import broken
from tests.stories import world
from tests.stories.test_cases import DAY, act, the_case


@pytest.fixture
def a_capture_in_doubt(api, settings, monkeypatch):
    """The capture's answer was lost, and the processor says nothing about it any more."""
    world.an_order(api)
    with silent(monkeypatch, "capture", "find"):
        world.play_events()
        Payment.objects.update(look_ups=settings.ATTENTION_AFTER_TRIES)
        world.later()
        resolve_unknown(limit=5)
    return Payment.objects.get()


@contextmanager
def silent(monkeypatch, *operations):
    """The processor takes every such question, and says nothing."""

    def no_answer(self, **asked):
        raise OutcomeUnknown("read timeout")

    with monkeypatch.context() as patched:
        for operation in operations:
            patched.setattr(StripeProcessor, operation, no_answer)
        yield


def test_a_capture_nobody_answers_for_is_a_case_and_ends_with_the_answer(a_capture_in_doubt):
    case = the_case("payment_outcome_unknown")
    assert (a_capture_in_doubt.state, case.amount) == ("capturing", 4298)

    world.later()
    told = act(case, "retry")

    assert told == "The payment is captured now."
    assert the_case("payment_outcome_unknown").state == "resolved"


def test_a_person_does_not_disturb_who_is_at_work_on_the_payment(a_capture_in_doubt, shop):
    asked = len(shop.requests(a_capture_in_doubt.reference))
    Payment.objects.update(leased_until=idempotency.from_now(30))

    assert "somebody is at work" in act(the_case("payment_outcome_unknown"), "retry")
    assert len(shop.requests(a_capture_in_doubt.reference)) == asked


def test_a_payment_settled_by_others_ends_its_case_at_the_next_sweep(a_capture_in_doubt):
    world.drive_everything(2, seconds=DAY)
    cases.resolve_healed(limit=100)

    assert Payment.objects.get().state == "captured"
    case = the_case("payment_outcome_unknown")
    assert (case.state, case.ended_by) == ("resolved", "system:cases")


def test_a_refund_nobody_answers_for_is_a_case_about_the_refund(api, settings, monkeypatch):
    payment = world.an_order(api).payment
    world.play_events()
    with silent(monkeypatch, "refund", "find"):
        made = refund.refund(payment.pk, by="staff:ana", reason="broken mug", amount=500)
        Refund.objects.update(look_ups=settings.ATTENTION_AFTER_TRIES)
        world.later()
        resolve_unknown(limit=5)

    case = the_case("payment_outcome_unknown")
    assert (case.aggregate, case.aggregate_id, case.amount) == ("refund", made.pk, 500)

    world.later()
    assert act(case, "retry") == "The refund is succeeded now."
    assert the_case("payment_outcome_unknown").state == "resolved"


def test_more_taken_than_was_held_is_a_case_that_a_person_judges(api, shop):
    order = world.an_order(api)
    shop.fault("capture", "wrong_amount_echoed")
    shop.fault("retrieve", "wrong_amount_echoed")
    capture.capture(order.payment_id, by="test")
    world.later()
    resolve_unknown(limit=5)

    case = the_case("payment_captured_too_much")
    assert (case.aggregate_id, case.amount, case.currency) == (order.payment_id, 1, "USD")
    cases.resolve_healed(limit=100)
    assert the_case("payment_captured_too_much").state == "open"
    cases.close(case.pk, by="staff:ana", reason="the processor corrected it")
    assert the_case("payment_captured_too_much").state == "closed"


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
