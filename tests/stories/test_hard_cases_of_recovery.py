"""Checkouts that are cut off where it hurts most: one order and one hold, or nothing at all."""

import dataclasses

import pytest
from django.db import OperationalError, connection

from foundation import idempotency
from orders import reviews
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, Order, StockItem
from payments.models import Payment
from payments.processors import processor
from payments.processors.base import OutcomeUnknown
from payments.processors.stripe import StripeProcessor
from tests import builders
from tests.stories import world

PAST_THE_WINDOW = 16 * 60


@pytest.fixture
def wish():
    """A key and a body, for a request that is sent more than once."""
    return {"key": builders.a_key(), "body": builders.a_purchase()}


def a_lost_answer():
    """A purchase whose authorization happens, and whose answer never comes."""
    return builders.a_purchase(payment_method=builders.faulty("timeout_after"))


def nothing_is_left(shop):
    return StockItem.objects.get().reserved == 0 and not [
        hold for payment in Payment.objects.all() for hold in shop.holds(payment.reference)
    ]


def there_is_one_order_with_one_hold(shop):
    order = Order.objects.select_related("payment").get()
    return len(shop.effects(order.payment.reference, "authorization")) == 1


def test_a_crash_after_the_hold_is_never_told_as_not_charged(api, wish, monkeypatch):
    world.die_after(monkeypatch, "authorize")
    with pytest.raises(world.ProcessDied):
        api.checkout(**wish)

    with world.processor_away():
        world.later()
        reply = api.checkout(**wish)

    assert (reply.status_code, reply.json()["status"]) == (202, "processing")
    assert Payment.objects.get().state == "unknown"


def test_a_request_that_arrives_after_its_successor_makes_no_second_hold(
    api, shop, settings, monkeypatch
):
    settings.PROCESSOR_LOOKUP_LAG_SECONDS = 60.0
    on_its_way, real = [], StripeProcessor.authorize

    def swallowed(self, **asked):
        on_its_way.append(asked)
        raise OutcomeUnknown("read timeout")

    monkeypatch.setattr(StripeProcessor, "authorize", swallowed)
    assert api.checkout().status_code == 202
    monkeypatch.setattr(StripeProcessor, "authorize", real)
    for _ in range(3):
        world.later(31)
        recover_checkouts(limit=5)
    assert Payment.objects.get().state == "authorized"

    processor("stripe").authorize(**on_its_way[0])

    assert len(shop.holds(Payment.objects.get().reference)) == 1


def test_a_process_that_slept_through_its_lease_sends_nothing(api, shop, wish, settings):
    awake, settings.CHECKOUT_LEASE_SECONDS = settings.CHECKOUT_LEASE_SECONDS, 0.0
    reply = api.checkout(**wish)
    settings.CHECKOUT_LEASE_SECONDS = awake

    assert (reply.status_code, reply.json()["code"]) == (409, "idempotency_in_progress")
    assert shop.requests(Payment.objects.get().reference) == []
    world.drive_everything()
    assert there_is_one_order_with_one_hold(shop)


def test_a_hold_made_after_everybody_gave_up_is_released_at_the_second_look(
    api, shop, settings, monkeypatch
):
    def everybody_gives_up():
        world.later(PAST_THE_WINDOW)
        world.drive_everything(3)

    world.meanwhile(monkeypatch, "authorize", everybody_gives_up)
    assert api.checkout().status_code == 409
    payment = Payment.objects.get()
    assert (payment.state, len(shop.holds(payment.reference))) == ("abandoned", 1)

    world.drive_everything(2, seconds=settings.SECOND_LOOK_SECONDS)

    assert Payment.objects.get().state == "voided"
    assert nothing_is_left(shop)
    assert Checkout.objects.get().state == "compensated"


def test_money_taken_behind_our_back_is_a_case_until_it_is_given_back(api):
    api.checkout(a_lost_answer())
    world.capture_behind_our_back(Payment.objects.get())
    world.later(PAST_THE_WINDOW)
    world.drive_everything(3)
    assert Checkout.objects.get().state == "needs_attention"
    assert StockItem.objects.get().reserved == 0

    Payment.objects.update(state="refunded")
    world.drive_everything(2, seconds=86_401)

    assert Checkout.objects.get().state == "compensated"


def test_a_payment_that_is_pending_for_ever_reaches_a_person(api, monkeypatch):
    real = StripeProcessor.find

    def pending(self, **question):
        return dataclasses.replace(real(self, **question), status="pending")

    api.checkout(a_lost_answer())
    monkeypatch.setattr(StripeProcessor, "find", pending)
    for _ in range(30):
        world.later(86_400)
        recover_checkouts(limit=5)

    assert Checkout.objects.get().state == "needs_attention"


def test_a_release_answered_500_for_ever_is_asked_for_under_another_number(api, shop):
    api.checkout(a_lost_answer())
    shop.fault("cancel", "500_before", times=1)
    world.later(PAST_THE_WINDOW)
    world.drive_everything(12)

    assert (Checkout.objects.get().state, Payment.objects.get().state) == ("compensated", "voided")
    assert nothing_is_left(shop)


def test_a_database_lost_during_the_call_is_503_and_the_same_key_finds_the_hold(
    api, shop, wish, monkeypatch
):
    line = connection.connection.info.backend_pid

    def cut_the_line():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [line])

    world.meanwhile(monkeypatch, "authorize", cut_the_line)
    reply = api.checkout(**wish)
    world.reconnect()
    assert (reply.status_code, reply.json()["charge_state"]) == (503, "unknown")

    world.later()
    assert api.checkout(**wish).status_code == 201
    assert there_is_one_order_with_one_hold(shop)


def test_a_repeat_without_a_database_never_hears_not_charged(api, wish, monkeypatch):
    def down(**asked):
        raise OperationalError("connection refused")

    assert api.checkout(**wish).status_code == 201
    monkeypatch.setattr(idempotency, "claim", down)
    reply = api.checkout(**wish)

    assert (reply.status_code, reply.json()["charge_state"]) == (503, "unknown")


def test_two_runners_of_one_checkout_make_one_order(api, shop, monkeypatch, caplog):
    def another_runner():
        world.later()
        recover_checkouts(limit=5)

    api.checkout(builders.a_purchase(payment_method=builders.faulty("lost_reply")))
    world.later()
    world.meanwhile(monkeypatch, "find", another_runner)
    recover_checkouts(limit=5)

    assert there_is_one_order_with_one_hold(shop)
    # The slower one was fenced off; it did not run into a constraint.
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.fixture
def suspicious(settings):
    """Every purchase is reviewed by a person."""
    settings.RISK_AMOUNT_LIMITS = {"USD": (1, 2_000_000)}


def decide(*, approved):
    reviews.decide(Checkout.objects.get().pk, approved=approved, by="staff:anna", reason="called")


def test_an_approval_over_a_hold_that_died_unnoticed_makes_no_order(api, shop, suspicious):
    api.checkout()
    world.release_behind_our_back(Payment.objects.get())

    decide(approved=True)

    assert not Order.objects.exists()
    assert Checkout.objects.get().state in ("failed", "compensated")
    assert nothing_is_left(shop)


def test_what_was_said_of_a_review_is_repeated_after_its_rejection(api, wish, suspicious):
    first = api.checkout(**wish)
    decide(approved=False)

    assert (first.status_code, api.checkout(**wish).content) == (202, first.content)


def test_a_review_nobody_decides_is_undone_at_its_deadline(api, shop, settings, suspicious):
    api.checkout()

    world.drive_everything(2, seconds=settings.REVIEW_SECONDS)

    assert Checkout.objects.get().state == "compensated"
    assert nothing_is_left(shop)


def a_challenge():
    return builders.a_purchase(payment_method="pm_card_authenticationRequired")


def answer_the_challenge(shop, **query):
    path = f"/_sandbox/authenticate/{Payment.objects.get().processor_reference}"
    assert shop.http.post(path, params=query).status_code == 200


def test_a_challenge_passed_before_a_review_becomes_one_order(api, shop, suspicious):
    assert api.checkout(a_challenge()).json()["status"] == "requires_action"
    answer_the_challenge(shop)
    world.drive_everything()
    assert Checkout.objects.get().state == "in_review"

    decide(approved=True)

    assert there_is_one_order_with_one_hold(shop)


def test_a_challenge_that_is_failed_leaves_nothing_behind(api, shop):
    api.checkout(a_challenge())
    answer_the_challenge(shop, result="fail")
    world.drive_everything()

    assert Checkout.objects.get().state == "failed"
    assert nothing_is_left(shop)


def test_a_challenge_whose_answer_was_lost_is_put_to_the_customer_all_the_same(api, shop):
    wish = {"key": builders.a_key(), "body": a_challenge()}
    shop.fault("create", "lost_reply", times=1)
    assert api.checkout(**wish).json()["status"] == "processing"
    world.drive_everything()

    reply = api.checkout(**wish)

    assert (reply.status_code, reply.json()["status"]) == (202, "requires_action")
