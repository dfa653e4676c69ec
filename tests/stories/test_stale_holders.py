"""Who was overtaken writes nothing, whatever it was at; and a clock that is off takes nothing."""

import datetime as dt

import pytest
from django.core.mail.backends.locmem import EmailBackend

from events import relay
from events.models import OutboxEvent
from foundation import clock, clock_skew, idempotency
from foundation.idempotency import Overtaken
from foundation.models import IdempotencyKey, PeriodicRun, Transition
from foundation.periodic import sweep
from orders import notifications
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, Notification, Order
from payments.models import Payment, PaymentTransaction
from payments.services import capture, void
from payments.services.resolve import resolve_unknown
from tests import builders
from tests.invariants.test_rules import broken
from tests.stories import world


def rows():
    """Everything that moves money or tells of it, as it stands."""
    return (
        list(Payment.objects.values_list("state", "lease_token", "captured_amount")),
        PaymentTransaction.objects.count(),
        Transition.objects.count(),
        list(OutboxEvent.objects.order_by("sequence").values_list("type", "state", "attempts")),
        list(IdempotencyKey.objects.values_list("state", "lease_token")),
    )


@pytest.fixture
def order(api):
    return world.an_order(api)


def overtaken_during(monkeypatch, operation, by, after):
    """While `operation` is at the processor, the lease runs out and `by` does the work."""
    seen = []

    def others():
        world.later()
        by()
        seen.append(rows())

    world.meanwhile(monkeypatch, operation, others)
    after()
    return seen[0]


def test_a_stale_runner_of_a_checkout_changes_nothing(api, shop, monkeypatch):
    key, body = builders.a_key(), builders.a_purchase()

    def buy():
        assert api.checkout(body, key=key).status_code == 409

    before = overtaken_during(
        monkeypatch, "authorize", lambda: recover_checkouts(limit=5), after=buy
    )

    assert rows() == before
    assert Checkout.objects.get().state in ("completed", "unknown", "authorizing")
    world.drive_everything(2)
    assert len(shop.effects(Payment.objects.get().reference, "authorization")) == 1
    assert broken() == set()


def test_a_stale_token_opens_no_transaction(order):
    key = IdempotencyKey.objects.get()
    IdempotencyKey.objects.update(
        state="in_progress", completed_at=None, response_status=None, response_body=None,
        lease_token=7,
    )  # fmt: skip

    with pytest.raises(Overtaken), idempotency.Lease(key.pk, 6, 60.0).held():
        raise AssertionError("a stale holder came in")


def test_a_stale_capture_closes_nothing(order, shop, monkeypatch):
    before = overtaken_during(
        monkeypatch,
        "capture",
        lambda: resolve_unknown(limit=5),
        after=lambda: capture.capture(order.payment_id, by="slow"),
    )

    assert rows() == before
    world.drive_everything(2)
    assert len(shop.effects(order.payment.reference, "capture")) == 1
    assert broken() == set()


def test_a_stale_release_closes_nothing(order, shop, monkeypatch):
    before = overtaken_during(
        monkeypatch,
        "void",
        lambda: resolve_unknown(limit=5),
        after=lambda: void.void(order.payment_id, by="slow", reason="customer asked"),
    )

    assert rows() == before
    world.drive_everything(2)
    assert len(shop.effects(order.payment.reference, "cancel")) == 1
    assert broken() == set()


def test_a_stale_mailman_marks_nothing(order, monkeypatch):
    Order.objects.filter(pk=order.pk).update(state="fulfilling")
    real = EmailBackend.send_messages

    def slow(self, messages):
        monkeypatch.setattr(EmailBackend, "send_messages", refused)
        world.later()
        with pytest.raises(ConnectionRefusedError):
            world.elsewhere(lambda: notifications.notify(order.pk, template=notifications.PLACED))
        return real(self, messages)

    def refused(self, messages):
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "send_messages", slow)
    notifications.notify(order.pk, template=notifications.PLACED)

    notification = Notification.objects.get()
    assert (notification.attempts, notification.sent_at) == (2, None)


@pytest.mark.parametrize("ending", ["sent", "broker away", "poison"])
def test_a_stale_relay_marks_nothing(order, ending):
    """It slept through its lease, and another relay has the events now."""
    taken_by_another = []

    def sleeps(event):
        if not taken_by_another:
            clock.move(dt.timedelta(seconds=31))
            taken_by_another.extend(relay._lease(10))
        if ending == "broker away":
            raise ConnectionRefusedError
        if ending == "poison":
            raise TypeError

    relay.relay_batch(limit=10, send=sleeps)

    assert len(taken_by_another) == 2
    assert set(OutboxEvent.objects.values_list("state", "attempts", "last_error")) == {
        ("leased", 2, "")
    }
    relay._mark_sent(taken_by_another)
    assert set(OutboxEvent.objects.values_list("state", flat=True)) == {"sent"}


# --- clocks ---------------------------------------------------------------------------------


def test_this_hosts_clock_and_the_databases_agree(db):
    assert clock_skew.measured() == 0.0
    assert clock_skew.is_bounded()


@pytest.mark.parametrize("off_by", [-3600.0, -3.0, 3.0, 3600.0])
def test_a_clock_that_is_off_is_seen_and_takes_nothing_over(db, monkeypatch, off_by):
    real, ran = clock_skew.time.time, []
    monkeypatch.setattr(clock_skew.time, "time", lambda: real() + off_by)

    assert clock_skew.measured() == pytest.approx(off_by, abs=0.9)
    sweep(lambda: ran.append(True))(window_seconds=30.0)

    assert ran == []
    assert not PeriodicRun.objects.exists()


def test_an_answer_that_took_long_is_no_skew(db, monkeypatch):
    real, asked = clock_skew.time.time, []

    def slow():
        asked.append(True)
        return real() - 10 if len(asked) == 1 else real() + 10

    monkeypatch.setattr(clock_skew.time, "time", slow)

    assert clock_skew.measured() == 0.0
