"""Webhooks are signed as Stripe signs, arrive at least once, and can go wrong on request."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

from tests.sandbox_processor.conftest import order

SECRET = "whsec_test"
STORY = ["payment_intent.created", "payment_intent.amount_capturable_updated"]


class Listener:
    """Receives webhooks and remembers them."""

    def __init__(self):
        self.received = []
        self.refuse = 0
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if listener.refuse > 0:
                    listener.refuse -= 1
                    self.send_response(500)
                else:
                    listener.received.append((body, self.headers["Stripe-Signature"]))
                    self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks?from=sandbox"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, count, *, seconds=10):
        deadline = time.monotonic() + seconds
        while len(self.received) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        return [json.loads(body)["type"] for body, _ in self.received]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def listener():
    running = Listener()
    yield running
    running.stop()


@pytest.fixture
def told(processor, listener):
    """The sandbox, started anew with a listener."""
    processor.kill()
    return processor.start("--webhook-url", listener.url, "--webhook-secret", SECRET)


def test_every_webhook_verifies_with_the_sdk(told, listener, intents):
    intent = intents.create(order("pay_1"))
    assert listener.wait_for(2) == STORY
    for body, signature in listener.received:
        event = stripe.Webhook.construct_event(body, signature, SECRET)
        assert event.data.object["id"] == intent.id
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body + b" ", signature, SECRET)


def test_the_whole_life_of_a_payment_is_told_in_order(told, listener, intents):
    intent = intents.create(order("pay_1"))
    intents.capture(intent.id)
    told.client().v1.refunds.create({"payment_intent": intent.id})
    told.http.post("/_sandbox/settle")
    kinds = listener.wait_for(7)
    assert [kind for kind in kinds if kind != "payout.paid"] == [
        *STORY,
        "charge.captured",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
        "refund.updated",
    ]


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("pm_card_chargeDeclined", "payment_intent.payment_failed"),
        ("pm_card_authenticationRequired", "payment_intent.requires_action"),
        ("pm_card_visa__fault_authorization_expires_1", "payment_intent.canceled"),
    ],
)
def test_a_listener_hears_of_what_went_otherwise(told, listener, intents, method, kind):
    with contextlib.suppress(stripe.CardError):
        intents.create(order("pay_1", method=method))
    expected = 3 if kind.endswith("canceled") else 2
    assert listener.wait_for(expected)[-1] == kind


def test_a_listener_that_fails_is_tried_again(told, listener, intents):
    listener.refuse = 2
    intents.create(order("pay_1"))
    assert sorted(listener.wait_for(2)) == sorted(STORY)


def test_undelivered_webhooks_survive_the_sandbox(told, listener, intents):
    listener.refuse = 1_000
    intents.create(order("pay_1"))
    time.sleep(0.2)
    told.kill()
    listener.refuse = 0
    told.start("--webhook-url", listener.url, "--webhook-secret", SECRET)
    assert sorted(listener.wait_for(2)) == sorted(STORY)


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ("webhook_duplicate", [STORY[0], STORY[0], STORY[1], STORY[1]]),
        ("webhook_reordered", STORY[::-1]),
        ("webhook_lost", []),
    ],
)
def test_webhooks_can_come_twice_in_another_order_or_never(told, listener, intents, fault, kinds):
    intents.create(order("pay_1", method=f"pm_card_visa__fault_{fault}"))
    assert listener.wait_for(max(len(kinds), 1), seconds=1) == kinds
    assert len(told.client().v1.events.list().data) == 2


def test_a_forged_webhook_does_not_verify(told, listener, intents):
    intents.create(order("pay_1", method="pm_card_visa__fault_webhook_forged"))
    assert listener.wait_for(3) == [*STORY, "payment_intent.succeeded"]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(*listener.received[2], SECRET)


def test_a_webhook_can_arrive_before_the_answer(told, listener, intents):
    intents.create(order("pay_1", method="pm_card_visa__fault_webhook_before_response"))
    assert [json.loads(body)["type"] for body, _ in listener.received] == STORY
