"""Settlement, fulfillment, notification: each once, whatever is repeated, killed or lost.

The chain's tasks are called here one by one; the real worker and broker are in tests/e2e.
"""

import datetime as dt

import pytest
from django.core import mail
from django.db import OperationalError

from events import relay
from events.models import OutboxEvent
from foundation import clock
from foundation.models import Transition
from orders import cancellation, chains, fulfillment, stalled
from orders.models import Fulfillment, Notification, Order, Reservation, StockItem
from payments.models import Payment, PaymentTransaction
from payments.processors import processor
from payments.services import capture, resolve, void
from tests import builders


@pytest.fixture
def order(api, shop):
    assert api.checkout().status_code == 201
    return Order.objects.get()


def settle(order):
    """What the chain after order.placed does, link by link."""
    capture.capture(order.payment_id, by="test")
    fulfillment.fulfill(order.pk)
    stalled.notify_and_settle(order.pk)


def relay_all():
    """Relay everything due, collecting instead of publishing."""
    sent = []
    while relay.relay_batch(limit=10, send=sent.append):
        pass
    return sent


def test_a_placed_order_is_captured_owed_and_confirmed(order, shop):
    settle(order)

    order.refresh_from_db()
    assert order.payment.state == "captured"
    assert order.state == "fulfilling"
    assert order.next_step_at is None
    assert len(shop.effects(order.payment.reference, "capture")) == 1
    assert Fulfillment.objects.get().lines.get().quantity == 2
    (message,) = mail.outbox
    assert message.to == [order.email]
    assert order.public_number in message.subject
    assert "42.98 USD" in message.body
    assert Payment.objects.get().captured_amount == 4298


def test_every_link_run_twice_changes_nothing(order, shop):
    settle(order)
    settle(order)

    assert len(shop.effects(order.payment.reference, "capture")) == 1
    assert Fulfillment.objects.count() == 1
    assert len(mail.outbox) == 1


def test_the_relay_tells_each_event_of_an_order_in_sequence(order):
    sent = relay_all()

    assert [event.type for event in sent] == ["payment.authorized", "order.placed"]
    assert [event.sequence for event in sent] == [1, 2]
    assert set(OutboxEvent.objects.values_list("state", flat=True)) == {"sent"}
    assert relay_all() == []


def test_a_broker_that_fails_loses_no_event(order):
    def broken(event):
        raise ConnectionError("the broker is gone")

    relay.relay_batch(limit=10, send=broken)

    assert set(OutboxEvent.objects.values_list("state", flat=True)) == {"retrying"}
    clock.move(dt.timedelta(minutes=2))
    assert [event.type for event in relay_all()] == ["payment.authorized", "order.placed"]


def test_a_relay_that_died_between_sending_and_marking_sends_again(order, monkeypatch):
    monkeypatch.setattr(relay, "_mark_sent", lambda ids: None)
    sent = []
    relay.relay_batch(limit=10, send=sent.append)
    monkeypatch.undo()

    assert relay_all() == []  # not while the lease lives
    clock.move(dt.timedelta(minutes=2))
    assert [event.pk for event in relay_all()] == [event.pk for event in sent]


def test_the_chain_after_an_order_carries_ids_only(order):
    fact = OutboxEvent.objects.get(type="order.placed").payload

    chain = chains.after_order_placed(fact)

    assert [link.task.split(".")[-1] for link in chain.tasks] == [
        "settle_order",
        "fulfill_order",
        "notify_customer",
    ]
    assert {arg for link in chain.tasks for arg in link.args} == {str(order.pk)}


@pytest.mark.parametrize("fault", ["timeout_after", "lost_reply", "500_after", "timeout_before"])
def test_a_capture_whose_answer_is_lost_is_asked_after_and_made_once(order, shop, fault):
    shop.fault("capture", fault, times=1, seconds=2)

    capture.capture(order.payment_id, by="test")
    assert Payment.objects.get().state == "capturing"
    assert resolve.resolve_unknown(limit=10) == 0  # its holder may still be alive
    clock.move(dt.timedelta(minutes=2))
    resolve.resolve_unknown(limit=10)

    payment = Payment.objects.get()
    if fault == "500_after" and payment.state != "captured":
        clock.move(dt.timedelta(minutes=10))
        resolve.resolve_unknown(limit=10)
        payment.refresh_from_db()
    assert payment.state == "captured"
    assert payment.captured_amount == 4298
    assert len(shop.effects(payment.reference, "capture")) == 1
    assert PaymentTransaction.objects.filter(kind="capture", succeeded=True).count() == 1


def test_a_worker_that_died_right_after_the_capture_is_made_good(order, shop, monkeypatch):
    def died(*args, **kwargs):
        raise OperationalError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(capture, "close", died)
        with pytest.raises(OperationalError):
            capture.capture(order.payment_id, by="test")
    assert Payment.objects.get().state == "capturing"

    clock.move(dt.timedelta(minutes=2))
    resolve.resolve_unknown(limit=10)

    assert Payment.objects.get().state == "captured"
    assert len(shop.effects(order.payment.reference, "capture")) == 1


def test_a_processor_that_is_away_leaves_the_hold_to_be_captured_later(order, shop, settings):
    healthy, settings.STRIPE_API_BASE = settings.STRIPE_API_BASE, "http://127.0.0.1:9"
    processor.cache_clear()
    capture.capture(order.payment_id, by="test")
    assert Payment.objects.get().state == "authorized"

    settings.STRIPE_API_BASE = healthy
    processor.cache_clear()
    capture.capture(order.payment_id, by="test")
    assert Payment.objects.get().state == "captured"


def test_an_order_nobody_works_on_is_told_of_again(order):
    relay_all()
    assert stalled.restart_stalled_orders(limit=10) == 0

    clock.move(dt.timedelta(minutes=2))
    assert stalled.restart_stalled_orders(limit=10) == 1

    (event,) = relay_all()
    assert event.type == "order.stalled"
    assert event.payload["order_id"] == str(order.pk)


def test_an_order_that_is_settled_is_left_alone(order):
    settle(order)
    clock.move(dt.timedelta(days=1))

    assert stalled.restart_stalled_orders(limit=10) == 0


def test_a_voided_payment_cancels_its_order_and_returns_the_stock(order, shop):
    void.void(order.payment_id, by="staff:anna", reason="customer changed her mind")
    assert cancellation.cancel_for_void(order.payment_id)
    assert not cancellation.cancel_for_void(order.payment_id)

    order.refresh_from_db()
    assert order.state == "canceled"
    assert shop.holds(order.payment.reference) == []
    assert StockItem.objects.get().reserved == 0
    assert Reservation.objects.get().state == "released"
    assert [e.type for e in relay_all()][-2:] == ["payment.voided", "order.canceled"]


def test_an_order_whose_hold_was_voided_is_neither_captured_nor_shipped(order, shop):
    void.void(order.payment_id, by="staff:anna", reason="fraud")

    settle(order)

    assert Payment.objects.get().state == "voided"
    assert shop.effects(order.payment.reference, "capture") == []
    assert not Fulfillment.objects.exists()
    assert mail.outbox == []


def test_a_mail_is_claimed_before_it_is_sent(order, monkeypatch):
    settle_without_mail = [capture.capture(order.payment_id, by="t"), fulfillment.fulfill(order.pk)]
    assert settle_without_mail

    def broken(*args):
        raise OSError("the mail server is away")

    with monkeypatch.context() as patched:
        patched.setattr("orders.notifications._send", broken)
        with pytest.raises(OSError, match="away"):
            stalled.notify_and_settle(order.pk)

    stalled.notify_and_settle(order.pk)
    assert mail.outbox == []  # somebody may be at it
    clock.move(dt.timedelta(minutes=5))
    stalled.notify_and_settle(order.pk)
    assert len(mail.outbox) == 1
    assert Notification.objects.get().attempts == 2


def test_the_timelines_tell_the_whole_story_in_order(api, order):
    settle(order)

    items = api.get(f"/v1/orders/{order.reference}/timeline").json()["items"]

    what = [item["what"] for item in items]
    for earlier, later in zip(
        ["screened", "reserved", "payment: authorizing → authorized", "order.placed",
         "payment: authorized → capturing", "payment: capturing → captured",
         "order: placed → fulfilling"],
        ["taxed", "authorized", "order.placed", "payment: authorized → capturing",
         "payment.captured", "order: placed → fulfilling", "fulfillment.created"],
        strict=True,
    ):  # fmt: skip
        assert what.index(earlier) <= what.index(later), (earlier, later, what)
    assert [item["at"] for item in items] == sorted(item["at"] for item in items)
    assert Transition.objects.filter(aggregate="payment").count() == 3
    assert api.get(f"/v1/payments/{order.payment.reference}/timeline").json()["items"]
    assert api.get(f"/v1/checkouts/{order.checkout.reference}/timeline").json()["items"]


def test_a_second_purchase_has_a_number_of_its_own(api, order):
    second = api.checkout(builders.a_purchase()).json()["order"]

    assert second["number"].startswith("R")
    assert second["number"] != order.public_number
