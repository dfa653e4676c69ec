"""Captures and releases that go wrong in the nastiest ways: once, never guessed, never dropped."""

import ssl
import time

import pytest
import stripe
import urllib3
from django.db import OperationalError

from events.models import OutboxEvent
from foundation import clock
from foundation.models import Case
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, Fulfillment, Order, Reservation, StockItem
from payments.models import Payment
from payments.processors import processor
from payments.processors.base import Declined, OutcomeUnknown
from payments.processors.stripe import StripeProcessor
from payments.processors.stripe_errors import translated
from payments.processors.stripe_http import BoundedClient, NotSent
from payments.services import capture, resolve, void
from payments.services.ask import ask
from payments.services.resolve import resolve_unknown
from payments.services.steps import Wish
from tests import builders
from tests.stories import world

PASSING_FAULTS = ["500_before", "500_after", "rate_limited", "reset_before", "timeout_after"]
THREE_HOURS = 3 * 3600


@pytest.fixture
def order(api):
    return world.an_order(api)


@pytest.mark.parametrize("fault", ["capture_refused", *PASSING_FAULTS])
def test_a_fault_that_passes_costs_no_capture(order, shop, fault):
    shop.fault("capture", fault, times=1, seconds=2)

    world.play_events()
    world.drive_everything(8, seconds=THREE_HOURS)

    order.refresh_from_db()
    assert order.payment.state == "captured"
    assert len(shop.effects(order.payment.reference, "capture")) == 1
    assert order.next_step_at is None


@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_a_fault_that_passes_costs_no_release(order, shop, fault):
    shop.fault("cancel", fault, times=1, seconds=2)

    void.void(order.payment_id, by="staff:anna", reason="customer asked")
    world.drive_everything(8, seconds=THREE_HOURS)

    order.refresh_from_db()
    assert (order.payment.state, order.state) == ("voided", "canceled")
    assert shop.holds(order.payment.reference) == []
    assert len(shop.effects(order.payment.reference, "cancel")) == 1


def test_a_processor_away_for_a_day_still_gives_the_money_when_it_is_back(order):
    with world.processor_away():
        world.play_events()
        world.drive_everything(24, seconds=3600)
        assert Payment.objects.get().state == "authorized"

    world.drive_everything(2, seconds=3600)

    assert Payment.objects.get().state == "captured"


def test_a_capture_in_doubt_stays_in_doubt_while_nobody_can_be_asked(order, shop):
    shop.fault("capture", "timeout_after", times=1, seconds=2)
    capture.capture(order.payment_id, by="test")

    with world.processor_away():
        world.later()
        assert resolve_unknown(limit=10) == 1

    assert Payment.objects.get().state == "capturing"


def test_who_closes_a_capture_second_writes_nothing(order, shop):
    with durable():
        capture.claim(order.payment, Wish("first", "system"))
    slow = Payment.objects.get()
    answer = capture.capture_call(slow)()
    world.later()
    resolve_unknown(limit=5)

    with pytest.raises(IllegalTransition):
        capture.close(slow, answer, by="first")

    payment = Payment.objects.get()
    assert payment.state == "captured"
    assert payment.transactions.filter(kind="capture").count() == 1
    assert OutboxEvent.objects.filter(type="payment.captured").count() == 1


def test_who_was_overtaken_in_a_capture_writes_nothing(order):
    with durable():
        capture.claim(order.payment, Wish("slow", "system"))
    slow = Payment.objects.get()
    answer = capture.capture_call(slow)()
    world.later()
    assert resolve.try_taking_over(slow.pk) == slow

    with pytest.raises(IllegalTransition):
        capture.close(slow, answer, by="slow")

    assert Payment.objects.get().state == "capturing"
    assert not slow.transactions.filter(kind="capture").exists()


@pytest.mark.parametrize("state", ["capturing", "captured"])
def test_a_capture_whose_commit_is_not_confirmed_is_made_once(order, shop, monkeypatch, state):
    lost = world.lose_commit(monkeypatch, when=Payment.objects.filter(state=state).exists)
    with pytest.raises(OperationalError):
        capture.capture(order.payment_id, by="test")
    world.reconnect()
    assert lost

    world.drive_everything(3)

    order.refresh_from_db()
    assert (order.payment.state, order.state) == ("captured", "fulfilling")
    assert len(shop.effects(order.payment.reference, "capture")) == 1
    assert order.next_step_at is None


@pytest.mark.parametrize("state", ["voiding", "voided"])
def test_a_release_whose_commit_is_not_confirmed_is_made_once(order, shop, monkeypatch, state):
    lost = world.lose_commit(monkeypatch, when=Payment.objects.filter(state=state).exists)
    with pytest.raises(OperationalError):
        void.void(order.payment_id, by="staff:anna", reason="customer asked")
    world.reconnect()
    assert lost

    world.drive_everything(3)

    order.refresh_from_db()
    assert (order.payment.state, order.state) == ("voided", "canceled")
    assert len(shop.effects(order.payment.reference, "cancel")) == 1


def orders_whose_captures_never_arrived(api, shop, *, count):
    orders = [world.an_order(api) for _ in range(count)]
    shop.fault("capture", "timeout_before", times=count, seconds=2)
    for order in orders:
        capture.capture(order.payment_id, by="test")
    world.later()
    return orders


def test_a_payment_that_can_not_be_settled_keeps_no_other_waiting(api, shop):
    broken, *others = orders_whose_captures_never_arrived(api, shop, count=3)
    shop.fault("capture", "wrong_amount_echoed", payment=broken.payment.reference)

    resolve_unknown(limit=50)

    broken.payment.refresh_from_db()
    assert broken.payment.state == "capturing"
    for order in others:
        order.payment.refresh_from_db()
        assert order.payment.state == "captured"


def test_a_captured_amount_that_can_not_be_is_asked_about_before_it_is_believed(order, shop):
    shop.fault("capture", "wrong_amount_echoed")

    capture.capture(order.payment_id, by="test")
    assert Payment.objects.get().state == "capturing"
    world.later()
    resolve_unknown(limit=5)

    payment = Payment.objects.get()
    assert (payment.state, payment.captured_amount) == ("captured", 4298)


def test_more_captured_than_was_held_is_booked_as_far_as_it_was_and_needs_a_person(order, shop):
    shop.fault("capture", "wrong_amount_echoed")
    shop.fault("retrieve", "wrong_amount_echoed")

    capture.capture(order.payment_id, by="test")
    world.later()
    resolve_unknown(limit=5)

    payment = Payment.objects.get()
    assert (payment.state, payment.captured_amount) == ("captured", 4298)
    case = Case.objects.get(kind="payment_captured_too_much")
    assert (case.amount, case.currency) == (1, "USD")


def test_a_sweep_that_dies_puts_off_nobody_it_did_not_ask_about(api, shop, monkeypatch):
    orders_whose_captures_never_arrived(api, shop, count=3)
    asked = []

    def fatal(self, **question):
        asked.append(question["reference"])
        raise world.ProcessDied

    monkeypatch.setattr(StripeProcessor, "find", fatal)
    for _ in range(3):
        with pytest.raises(world.ProcessDied):
            resolve_unknown(limit=50)

    assert len(set(asked)) == 3


def test_a_sweep_and_a_recovery_that_release_one_hold_together_release_it_once(
    api, shop, monkeypatch, caplog
):
    api.checkout(builders.a_purchase(payment_method=builders.faulty("timeout_after")))
    shop.fault("cancel", "timeout_before", times=1, seconds=2)
    world.later(16 * 60)
    recover_checkouts(limit=5)
    assert Payment.objects.get().state == "voiding"
    world.later()
    world.meanwhile(monkeypatch, "void", lambda: recover_checkouts(limit=5))

    resolve_unknown(limit=5)
    world.drive_everything(2)

    payment = Payment.objects.get()
    assert (payment.state, Checkout.objects.get().state) == ("voided", "compensated")
    assert len(shop.effects(payment.reference, "cancel")) == 1
    assert payment.transactions.filter(kind="void").count() == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_hold_that_ran_out_unnoticed_stops_its_order_until_it_is_paid(api):
    method = builders.faulty("authorization_expires", 1)
    assert api.checkout(builders.a_purchase(payment_method=method)).status_code == 201
    time.sleep(1.5)

    world.play_events()

    order = Order.objects.get()
    assert (order.payment.state, order.state) == ("expired", "payment_required")
    assert order.payment.transactions.get(kind="void").note == "expired"
    assert order.next_step_at is None


def test_a_hold_that_was_released_at_the_processor_cancels_its_order(order):
    world.release_behind_our_back(order.payment)

    world.play_events()

    order.refresh_from_db()
    assert (order.payment.state, order.state) == ("voided", "canceled")
    assert order.payment.transactions.get(kind="void").source == "processor"
    assert order.next_step_at is None


def test_a_hold_that_dies_after_a_refused_capture_takes_its_shipment_back(order, shop):
    shop.fault("capture", "capture_refused", times=1)
    world.play_events()
    assert Fulfillment.objects.get().state == "pending"
    world.release_behind_our_back(order.payment)

    world.drive_everything(3, seconds=3600)

    order.refresh_from_db()
    assert (order.payment.state, order.state) == ("voided", "canceled")
    assert Fulfillment.objects.get().state == "canceled"


def test_a_hold_of_another_amount_is_released_and_nothing_is_sold(api, shop):
    shop.fault("create", "wrong_amount_echoed", times=1)

    api.checkout()
    world.drive_everything(3)

    assert shop.holds(Payment.objects.get().reference) == []
    assert StockItem.objects.get().reserved == 0
    assert not Order.objects.exists()


def test_a_refused_look_up_is_no_decline(api, shop, monkeypatch):
    def refused(self, **question):
        raise Declined("resource_missing")

    api.checkout(builders.a_purchase(payment_method=builders.faulty("timeout_after")))
    monkeypatch.setattr(StripeProcessor, "find", refused)
    world.later()
    recover_checkouts(limit=10)

    assert (Payment.objects.get().state, Checkout.objects.get().state) == ("unknown", "unknown")
    assert Reservation.objects.get().state == "held"


def test_a_look_up_that_is_refused_says_nothing_about_the_payment(shop, monkeypatch):
    def refused(self, reference):
        raise stripe.InvalidRequestError("no search in this region", "query", http_status=400)

    monkeypatch.setattr(StripeProcessor, "_search", refused)
    port = processor("stripe")

    answer = ask(lambda: port.find(reference="pay_x", processor_reference="", since=clock.now()))

    assert answer.outcome == "unknown"


def test_a_refusal_in_words_nobody_knows_is_an_unknown_outcome(shop):
    intent = {"id": "pi_1", "status": "requires_a_new_thing", "amount": 1, "currency": "usd"}
    told = {"error": {"code": "card_declined", "payment_intent": intent}}

    with pytest.raises(OutcomeUnknown), translated():
        raise stripe.CardError("no", "", "card_declined", http_status=402, json_body=told)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("record", [b"\x17\x03\x03\x00\x20" + b"g" * 32, b"HTTP/1.1 400 Bad\r\n"])
def test_tls_that_breaks_after_the_request_was_read_is_not_called_unsent(record):
    client = BoundedClient(connect_seconds=2, read_seconds=5, pool_size=1)
    context = world.anonymous_tls(ssl.PROTOCOL_TLS_CLIENT)
    client._pool = urllib3.PoolManager(retries=False, timeout=5, ssl_context=context)

    with world.a_server_that_reads_and_then_sends(record) as (url, received):
        with pytest.raises(stripe.APIConnectionError) as lost:
            client.request("POST", url, {}, "amount=1")
        client.close()

    assert b"amount=1" in b"".join(received)
    assert not isinstance(lost.value, NotSent)
