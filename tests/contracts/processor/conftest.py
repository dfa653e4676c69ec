"""The same questions to two processors: the one in memory, and the sandbox through the real SDK.

A rule that holds for both is a rule of the port, and what is tried against the one in memory is
true of the other.
"""

import itertools
import time
import uuid

import pytest

from foundation import clock
from payments.processors import processor
from tests.fake_processor import FakeProcessor
from tests.signing import signed

KEYS = itertools.count(1)
AUTHORIZED = {"Authorization": "Bearer sk_test_contract"}


class World:
    """A processor, who stands behind it, and the short way to say what a test does."""

    def __init__(self, port, backstage):
        self.port = port
        self.backstage = backstage

    def hold(self, *, method="pm_card_visa", amount=2000, reference=None, key=None, **more):
        return self.port.authorize(
            reference=reference or a_reference("pay"), amount=amount, currency="USD",
            payment_method=method, key=key or a_key(), metadata={}, **more,
        )  # fmt: skip

    def capture(self, held, amount=None, *, final=True, key=None):
        return self.port.capture(
            processor_reference=held.processor_reference,
            amount=held.amount if amount is None else amount, key=key or a_key(), final=final,
        )  # fmt: skip

    def sold(self, *, method="pm_card_visa", amount=2000):
        return self.capture(self.hold(method=method, amount=amount))

    def void(self, held, *, key=None):
        return self.port.void(processor_reference=held.processor_reference, key=key or a_key())

    def refund(self, paid, amount, *, reference=None, key=None, reason=""):
        return self.port.refund(
            processor_reference=paid.processor_reference, amount=amount, key=key or a_key(),
            reference=reference or a_reference("rfd"), reason=reason,
        )  # fmt: skip

    def seen(self, payment):
        """The payment as a fresh look-up shows it."""
        return self.port.find(
            reference="", processor_reference=payment.processor_reference, since=clock.now()
        )


class SandboxBackstage:
    """The same deeds, asked of the sandbox over HTTP."""

    def __init__(self, sandbox, secret):
        self._sandbox = sandbox
        self._secret = secret

    def lose(self, operation, *, when):
        name = "reset_before" if when == "before" else "lost_reply"
        self._sandbox.fault(operation, name, times=1)

    def next_refund_is_pending(self):
        self._sandbox.fault("refund", "refund_pending", times=1, seconds=3600)

    def authenticate(self, wanted):
        self._sandbox.backstage(f"authenticate/{wanted}")

    def expire(self, wanted):
        self._sandbox.backstage(f"holds/{wanted}/expire")

    def settle_refund(self, _, refund, status):
        self._sandbox.backstage(f"refunds/{refund}/settle", status=status)

    def dispute(self, payment, **given):
        return self._sandbox.backstage("disputes", payment=payment, **given)["id"]

    def close_dispute(self, _, wanted, status):
        self._sandbox.backstage(f"disputes/{wanted}/close", status=status)

    def delivery(self, event_id, *, age_seconds=0):
        path = f"/v1/events/{event_id}"
        body = self._sandbox.http.get(path, headers=AUTHORIZED).content
        return body, signed(body, secret=self._secret, at=int(time.time()) - age_seconds)


def a_key():
    return f"key-{uuid.uuid4().hex}-{next(KEYS)}"


def a_reference(prefix):
    return f"{prefix}_{uuid.uuid4().hex}"


@pytest.fixture(params=["memory", "sandbox"])
def world(request):
    """A processor of either kind."""
    if request.param == "memory":
        fake = FakeProcessor()
        return World(fake, fake.backstage)
    sandbox = request.getfixturevalue("sandbox")
    secret = request.getfixturevalue("settings").STRIPE_WEBHOOK_SECRET
    return World(processor("stripe"), SandboxBackstage(sandbox, secret))
