"""The processor's word reaches a checkout whose own answer never came, or is still to come."""

import pytest

from foundation.models import IdempotencyKey
from orders.models import Checkout, Order
from payments.models import Payment, ProcessorEvent
from tests import builders
from tests.stories import world


def the_payment():
    return Payment.objects.get()


def worked():
    return {row.state for row in ProcessorEvent.objects.all()} <= {"processed", "ignored"}


def test_a_message_that_comes_before_our_own_answer_waits_for_it_and_changes_nothing(
    api, shop, courier, monkeypatch
):
    """The processor tells while the first request still waits for the reply."""

    def hear():
        courier.send_all(the_payment().reference)
        world.play_events()

    world.meanwhile_after(monkeypatch, "authorize", hear)
    reply = api.checkout()

    assert reply.status_code == 201
    (row,) = ProcessorEvent.objects.filter(type="payment_intent.amount_capturable_updated")
    assert row.state == "parked", "the checkout was in living hands"
    world.drive_everything(rounds=2)
    assert worked()
    assert Order.objects.count() == 1
    assert len(shop.effects(the_payment().reference, "authorization")) == 1


def test_a_message_alone_finishes_a_checkout_whose_request_died(api, shop, courier, monkeypatch):
    """No client comes back, and no sweep of checkouts runs: the processor's word is enough."""
    body, key = builders.a_purchase(), builders.a_key()
    world.die_after(monkeypatch, "authorize")
    with pytest.raises(world.ProcessDied):
        api.checkout(body, key=key)
    courier.send_all(the_payment().reference)
    world.play_events()
    assert Order.objects.count() == 0, "whoever held the lease may still be alive"

    world.later(76)
    world.sweep_only("work_processor_events")
    world.play_events()

    assert Order.objects.get().payment == the_payment()
    assert worked()
    replay = api.checkout(body, key=key)
    assert (replay.status_code, replay["Idempotent-Replayed"]) == (201, "true")
    assert len(shop.effects(the_payment().reference, "authorization")) == 1


def test_a_message_finishes_a_checkout_whose_answer_was_lost_at_once(api, shop, courier):
    """The request is over, its outcome unknown: there is no lease to wait for."""
    reply = api.checkout(builders.a_purchase(payment_method=builders.faulty("lost_reply")))
    assert (reply.status_code, the_payment().state) == (202, "unknown")

    courier.send_all(the_payment().reference)
    world.play_events()

    assert Order.objects.count() == 1
    assert worked()


def test_a_decline_whose_answer_was_lost_ends_the_checkout(api, shop, courier):
    method = "pm_card_chargeDeclined__fault_lost_reply"
    assert api.checkout(builders.a_purchase(payment_method=method)).status_code == 202
    (failed,) = courier.events(the_payment().reference, "payment_intent.payment_failed")

    courier.send(failed)
    world.play_events()

    assert Checkout.objects.get().state == "failed"
    assert the_payment().state == "declined"
    assert worked()


def test_when_the_customer_has_confirmed_the_message_finishes_the_checkout(
    api, shop, courier, dashboard
):
    reply = api.checkout(
        builders.a_purchase(payment_method="pm_card_authenticationRequired__confirm")
    )
    assert (reply.status_code, the_payment().state) == (202, "requires_action")
    courier.send_all(the_payment(), "payment_intent.requires_action")
    world.play_events()
    assert (Order.objects.count(), worked()) == (0, True)

    dashboard.authenticate(the_payment())
    courier.send_all(the_payment(), "payment_intent.amount_capturable_updated")
    world.play_events()

    assert Order.objects.count() == 1
    assert not IdempotencyKey.objects.filter(state="in_progress").exists()
    assert worked()


def test_when_the_customer_could_not_confirm_the_message_ends_the_checkout(
    api, shop, courier, dashboard
):
    api.checkout(builders.a_purchase(payment_method="pm_card_authenticationRequired__fail"))
    dashboard.authenticate(the_payment(), succeeds=False)

    courier.send_all(the_payment(), "payment_intent.payment_failed")
    world.play_events()

    assert Checkout.objects.get().state == "failed"
    assert Order.objects.count() == 0


def test_a_hold_that_dies_in_review_is_known_before_staff_decide(
    api, shop, courier, dashboard, settings
):
    settings.RISK_AMOUNT_LIMITS = {"*": (1, 10_000_000), "USD": (1, 10_000_000)}
    assert api.checkout().json()["status"] == "in_review"
    dashboard.cancel(the_payment())

    courier.send_all(the_payment(), "payment_intent.canceled")
    world.play_events()

    assert the_payment().state in ("voided", "expired")
    assert worked()
