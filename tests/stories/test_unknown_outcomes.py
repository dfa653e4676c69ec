"""Promise 4: an unknown outcome is a state, never a guess; it is resolved without the client."""

import datetime as dt

import pytest

from foundation import clock
from foundation.models import IdempotencyKey
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, Order, Reservation, StockItem
from payments.models import Payment
from payments.processors import processor
from tests import builders

UNKNOWN = ["timeout_after", "lost_reply", "500_after", "malformed", "empty"]
NOTHING_HAPPENED = ["timeout_before", "reset_before", "500_before"]


def later(seconds=60):
    clock.move(dt.timedelta(seconds=seconds))


def settle(rounds=6):
    """Run the sweep with the clock moved until it finds nothing more to do."""
    for _ in range(rounds):
        later()
        if recover_checkouts(limit=10) == 0:
            return
    raise AssertionError("recovery does not come to rest")


@pytest.mark.parametrize("fault", UNKNOWN)
def test_a_lost_answer_is_202_and_becomes_one_order_without_the_client(api, shop, fault):
    key, body = builders.a_key(), builders.a_purchase(payment_method=builders.faulty(fault))

    reply = api.checkout(body, key=key)

    assert reply.status_code == 202
    assert reply.json()["status"] == "processing"
    assert reply["Location"] == f"/v1/checkouts/{reply.json()['id']}"
    assert int(reply["Retry-After"]) > 0
    assert Payment.objects.get().state == "unknown"
    assert Reservation.objects.get().state == "held"

    settle()

    order = Order.objects.get()
    assert order.payment.state == "authorized"
    assert len(shop.effects(order.payment.reference, "authorization")) == 1
    final = api.checkout(body, key=key)
    assert final.status_code == 201
    assert final.json()["order"]["id"] == order.reference
    assert final["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("fault", NOTHING_HAPPENED)
def test_an_attempt_proven_not_to_have_happened_is_sent_again(api, shop, fault):
    key, body = builders.a_key(), builders.a_purchase(payment_method="pm_card_visa__again")
    shop.fault("create", fault, times=1, seconds=2)

    reply = api.checkout(body, key=key)
    assert reply.status_code == 202, reply.content
    settle()

    payment = Payment.objects.get()
    assert payment.state == "authorized"
    assert len(shop.effects(payment.reference, "authorization")) == 1
    assert api.checkout(body, key=key).status_code == 201


def test_while_unknown_the_same_key_hears_the_state_and_nothing_is_sent_again(api, shop):
    key = builders.a_key()
    body = builders.a_purchase(payment_method=builders.faulty("timeout_after"))
    api.checkout(body, key=key)
    asked = len(shop.requests())

    again = api.checkout(body, key=key)

    assert again.status_code == 202
    assert "Idempotent-Replayed" not in again
    assert len(shop.requests()) == asked


def test_a_hold_found_after_the_forward_window_is_released(api, shop):
    key = builders.a_key()
    body = builders.a_purchase(payment_method=builders.faulty("timeout_after"))
    api.checkout(body, key=key)

    later(16 * 60)
    settle()

    assert not Order.objects.exists()
    payment = Payment.objects.get()
    assert payment.state == "voided"
    assert shop.holds(payment.reference) == []
    assert StockItem.objects.get().reserved == 0
    final = api.checkout(body, key=key)
    assert final.status_code == 409
    assert final.json()["code"] == "checkout_expired"
    assert IdempotencyKey.objects.get().state == "abandoned"


def test_an_attempt_that_never_arrived_is_abandoned_after_the_forward_window(api, shop):
    shop.fault("create", "reset_before", times=1)
    api.checkout(builders.a_purchase())

    later(16 * 60)
    settle()

    assert Payment.objects.get().state == "abandoned"
    assert StockItem.objects.get().reserved == 0
    assert Checkout.objects.get().state == "compensated"


def test_a_processor_that_cannot_be_reached_is_503_and_the_same_key_resumes(api, shop, settings):
    key, body = builders.a_key(), builders.a_purchase()
    healthy, settings.STRIPE_API_BASE = settings.STRIPE_API_BASE, "http://127.0.0.1:9"
    processor.cache_clear()

    down = api.checkout(body, key=key)

    assert down.status_code == 503
    assert down.json()["code"] == "processor_unavailable"
    assert down.json()["charge_state"] == "not_charged"
    assert int(down["Retry-After"]) > 0
    settings.STRIPE_API_BASE = healthy
    processor.cache_clear()
    up = api.checkout(body, key=key)
    assert up.status_code == 201
    assert len(shop.effects(Payment.objects.get().reference, "authorization")) == 1


def test_not_found_is_no_proof_while_the_processors_lookup_lags(api, shop, settings):
    settings.PROCESSOR_LOOKUP_LAG_SECONDS = 300.0
    shop.fault("create", "reset_before", times=1)
    api.checkout(builders.a_purchase())

    later(60)
    recover_checkouts(limit=10)

    assert Checkout.objects.get().state == "unknown"
    assert Reservation.objects.get().state == "held"
    assert shop.effects(Payment.objects.get().reference, "authorization") == []


def test_a_customer_who_must_act_keeps_the_stock_until_the_deadline(api, shop):
    key = builders.a_key()
    body = builders.a_purchase(payment_method="pm_card_authenticationRequired")

    reply = api.checkout(body, key=key)

    assert reply.status_code == 202
    assert reply.json()["status"] == "requires_action"
    assert reply.json()["next_action"]
    assert api.checkout(body, key=key).content == reply.content
    assert Reservation.objects.get().state == "held"

    later(16 * 60)
    settle(rounds=20)

    assert StockItem.objects.get().reserved == 0
    assert Payment.objects.get().state == "voided"
    assert Checkout.objects.get().state == "compensated"
