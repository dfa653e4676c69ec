"""What a shopper sees, and what we keep, when something that we lean on is not there."""

import threading
import time

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection

from foundation import ids
from orders.models import Checkout, Order, Reservation
from payments.models import Payment
from payments.processors.base import OutcomeUnknown, ProcessorUnavailable
from payments.processors.breaker import Breaker
from payments.processors.stripe_http import BoundedClient
from tests import builders
from tests.stories import world


def test_postgresql_that_refuses_connections_is_503_and_asks_nobody(api, shop, monkeypatch):
    asked = len(shop.requests())
    with monkeypatch.context() as patched:
        connection.close()
        patched.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        patched.setitem(connection.settings_dict, "PORT", "9")
        reply = api.checkout()
    world.reconnect()

    assert (reply.status_code, reply.json()["code"]) == (503, "idempotency_store_unavailable")
    assert int(reply["Retry-After"]) > 0
    assert len(shop.requests()) == asked
    assert not Checkout.objects.exists()


def test_a_cache_that_is_down_costs_a_shopper_nothing(api, monkeypatch):
    def down(self, *args, **kwargs):
        raise ConnectionRefusedError

    for operation in ("get", "set", "add", "delete", "incr", "touch"):
        monkeypatch.setattr(LocMemCache, operation, down)

    assert api.checkout().status_code == 201


def test_a_mail_server_that_is_down_delays_the_mail_and_nothing_else(api, monkeypatch, mailoutbox):
    def down(self, messages):
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr(EmailBackend, "send_messages", down)
        order = world.an_order(api)
        with pytest.raises(ConnectionRefusedError):
            world.play_events()
    order.refresh_from_db()
    assert (order.state, order.payment.state) == ("fulfilling", "captured")

    world.drive_everything(2)
    assert len(mailoutbox) == 1


# --- the breaker before new authorizations --------------------------------------------------


@pytest.fixture
def connects(monkeypatch):
    """How often somebody tried to reach the processor."""
    real, tries = BoundedClient.request, []

    def counted(self, method, url, *args, **options):
        tries.append(url)
        return real(self, method, url, *args, **options)

    monkeypatch.setattr(BoundedClient, "request", counted)
    return tries


@pytest.fixture
def quick(settings):
    """Open after two failures, probed again after a moment."""
    settings.BREAKER_FAILURES, settings.BREAKER_SECONDS = 2, 0.2


def test_a_processor_that_refuses_connections_is_503_and_soon_not_waited_for(api, connects, quick):
    with world.processor_away():
        replies = [api.checkout() for _ in range(4)]

    for reply in replies:
        assert (reply.status_code, reply.json()["code"]) == (503, "processor_unavailable")
        assert reply.json()["charge_state"] == "not_charged"
    assert len(connects) == 2
    assert set(Payment.objects.values_list("state", flat=True)) == {"authorizing"}
    assert Reservation.objects.filter(state="held").count() == 4


def test_what_the_breaker_held_back_is_finished_when_the_processor_is_back(api, shop, quick):
    keys = [(builders.a_key(), builders.a_purchase()) for _ in range(4)]
    with world.processor_away():
        for key, body in keys:
            api.checkout(body, key=key)
    time.sleep(0.25)

    for key, body in keys:
        assert api.checkout(body, key=key).status_code == 201
    for order in Order.objects.select_related("payment"):
        assert len(shop.effects(order.payment.reference, "authorization")) == 1


def test_an_open_breaker_never_stands_before_a_look_up_or_a_capture(api, shop, quick):
    order = world.an_order(api)
    lost = api.checkout(builders.a_purchase(payment_method=builders.faulty("timeout_after")))
    assert lost.status_code == 202
    with world.processor_away():
        for _ in range(3):
            assert api.checkout().status_code == 503

    world.play_events()
    assert Payment.objects.get(pk=order.payment_id).state == "captured"
    unknown = Checkout.objects.get(payment__state="unknown")
    reference = ids.public("pay", unknown.payment_uuid)
    world.drive_everything(2)
    assert len(shop.effects(reference, "authorization")) == 1
    unknown.refresh_from_db()
    assert unknown.state == "completed"


def unavailable():
    raise ProcessorUnavailable("not sent")


def unknown():
    raise OutcomeUnknown("read timeout")


def fail(breaker, times):
    for _ in range(times):
        with pytest.raises(ProcessorUnavailable):
            breaker.call(unavailable)


def test_a_time_out_is_passed_on_as_it_is_and_opens_nothing(quick):
    breaker = Breaker("test")
    for _ in range(5):
        with pytest.raises(OutcomeUnknown):
            breaker.call(unknown)

    assert breaker.call(lambda: "sent") == "sent"


def test_failures_that_are_not_in_a_row_open_nothing(quick):
    breaker = Breaker("test")
    for _ in range(5):
        fail(breaker, 1)
        with pytest.raises(OutcomeUnknown):
            breaker.call(unknown)

    assert breaker.call(lambda: "sent") == "sent"


def test_an_open_breaker_lets_one_probe_through_and_the_others_wait(quick):
    breaker, sent, go = Breaker("test"), [], threading.Event()
    fail(breaker, 2)
    with pytest.raises(ProcessorUnavailable, match="a moment ago"):
        breaker.call(lambda: sent.append("too early"))
    time.sleep(0.25)
    probe = threading.Thread(
        target=breaker.call, args=(lambda: (go.wait(5), sent.append("probe")),)
    )
    probe.start()
    time.sleep(0.05)

    with pytest.raises(ProcessorUnavailable):
        breaker.call(lambda: sent.append("beside the probe"))
    go.set()
    probe.join()
    breaker.call(lambda: sent.append("after it"))

    assert sent == ["probe", "after it"]


def test_a_probe_that_fails_keeps_it_open(quick):
    breaker = Breaker("test")
    fail(breaker, 2)
    time.sleep(0.25)
    fail(breaker, 1)

    with pytest.raises(ProcessorUnavailable, match="a moment ago"):
        breaker.call(lambda: "sent")
