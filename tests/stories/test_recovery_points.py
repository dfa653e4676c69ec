"""Continues from every point at which a runner can die: one order, or nothing held.

Each test places the rows as the crash left them, and the processor as it was at that moment;
then only the sweeps run. The client never comes back.
"""

import datetime as dt

import pytest

from foundation import clock
from foundation.models import IdempotencyKey
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, Order, Reservation, StockItem
from payments.models import Payment
from payments.processors import processor
from payments.services.resolve import resolve_unknown
from tests import builders

REFUSED = {"code": "checkout_expired", "detail": "Too late.", "errors": [], "extra": {}}


def held_at_the_processor(checkout):
    """The call of the dead runner had arrived: the processor holds the money."""
    payment = checkout.payment
    return processor("stripe").authorize(
        reference=payment.reference, amount=payment.amount, currency=payment.currency,
        payment_method=payment.payment_method, key=payment.processor_key("authorize"),
        metadata=payment.metadata,
    )  # fmt: skip


def known_hold(checkout, **facts):
    """...and its answer was stored."""
    seen = held_at_the_processor(checkout)
    Payment.objects.filter(pk=checkout.payment_id).update(
        processor_reference=seen.processor_reference, authorized_amount=seen.amount, **facts
    )


def sweep(*, minutes=0):
    clock.move(dt.timedelta(minutes=minutes))
    for _ in range(8):
        clock.move(dt.timedelta(minutes=2))
        recover_checkouts(limit=10)
        resolve_unknown(limit=10)
    assert recover_checkouts(limit=10) == 0
    assert resolve_unknown(limit=10) == 0


def assert_one_order(shop, checkout):
    order = Order.objects.get()
    assert order.checkout_id == checkout.pk
    assert order.payment.state == "authorized"
    assert len(shop.effects(order.payment.reference, "authorization")) == 1
    assert len(shop.holds(order.payment.reference)) == 1
    assert Reservation.objects.get().state == "committed"
    assert IdempotencyKey.objects.get(subject_id=checkout.pk).response_status == 201


def assert_nothing_held(shop, checkout, *, status=409):
    assert not Order.objects.exists()
    assert shop.holds(checkout.payment.reference) == []
    assert StockItem.objects.get().reserved == 0
    assert Reservation.objects.get().state == "released"
    key = IdempotencyKey.objects.get(subject_id=checkout.pk)
    assert key.state in ("completed", "abandoned")
    assert key.response_status == status


def test_died_before_the_call_it_is_sent_once_and_placed(shop):
    checkout = builders.a_checkout_at()

    sweep()

    assert_one_order(shop, checkout)


@pytest.mark.parametrize("state", ["authorizing", "unknown"])
def test_died_while_the_answer_was_awaited_the_hold_is_found_and_placed(shop, state):
    checkout = builders.a_checkout_at(state=state, payment_state=state)
    held_at_the_processor(checkout)

    sweep()

    assert_one_order(shop, checkout)
    creates = [r for r in shop.requests(checkout.payment.reference) if r["operation"] == "create"]
    assert len(creates) == 1  # the one of the runner that died


@pytest.mark.parametrize("state", ["authorizing", "unknown"])
def test_found_too_late_the_hold_is_released(shop, state):
    checkout = builders.a_checkout_at(state=state, payment_state=state)
    held_at_the_processor(checkout)

    sweep(minutes=20)

    assert_nothing_held(shop, checkout)
    assert Payment.objects.get().state == "voided"
    assert Checkout.objects.get().state == "compensated"


def test_never_sent_and_too_late_it_is_given_up(shop):
    checkout = builders.a_checkout_at()

    sweep(minutes=20)

    assert_nothing_held(shop, checkout)
    assert shop.effects(checkout.payment.reference) == []
    assert Payment.objects.get().state == "abandoned"


def test_died_before_the_void_was_claimed_the_hold_is_released(shop):
    checkout = builders.a_checkout_at(
        state="compensating", direction="backward", refusal=REFUSED, payment_state="authorized"
    )
    known_hold(checkout)

    sweep()

    assert_nothing_held(shop, checkout)


@pytest.mark.parametrize("arrived", [False, True])
def test_died_in_mid_void_it_is_released_once(shop, arrived):
    checkout = builders.a_checkout_at(
        state="compensating", direction="backward", refusal=REFUSED, payment_state="voiding"
    )
    known_hold(checkout, lease_token=1, leased_until=clock.now())
    payment = Payment.objects.get()
    if arrived:
        processor("stripe").void(
            processor_reference=payment.processor_reference, key=payment.processor_key("void")
        )

    sweep()

    assert_nothing_held(shop, checkout)
    assert len(shop.effects(payment.reference, "cancel")) == 1


def test_died_after_a_decline_was_stored_the_stock_is_released(shop):
    checkout = builders.a_checkout_at(
        state="compensating",
        direction="backward",
        refusal=REFUSED | {"code": "payment_declined"},
        payment_state="declined",
    )

    sweep()

    assert_nothing_held(shop, checkout, status=402)


def test_a_live_lease_is_left_alone(shop):
    builders.a_checkout_at(leased_seconds=3600)

    assert recover_checkouts(limit=10) == 0
    assert Checkout.objects.get().state == "authorizing"


def test_what_has_ended_is_left_alone(shop):
    checkout = builders.a_checkout_at()
    IdempotencyKey.objects.update(
        state="completed", completed_at=clock.now(), response_status=201, response_body=b"{}"
    )

    assert recover_checkouts(limit=10) == 0
    assert shop.requests(checkout.payment.reference) == []
