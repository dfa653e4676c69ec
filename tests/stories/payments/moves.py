"""What a client does with a payment over HTTP, and what the processor's journal says of it."""

from collections import Counter
from contextlib import contextmanager

from foundation import clock
from payments.models import Payment
from payments.processors.stripe import StripeProcessor
from tests import builders
from tests.stories import world


def usd(amount):
    return {"amount": amount, "currency": "USD"}


class Till:
    """A client with its key, and the witness."""

    def __init__(self, api, shop):
        self.api, self.shop = api, shop

    def capture(self, payment, amount=None, *, key=None, **body):
        if amount is not None:
            body["amount"] = usd(amount)
        return self.move(payment, "captures", body, key=key)

    def void(self, payment, *, key=None, **body):
        return self.move(payment, "void", body, key=key)

    def refund(self, payment, amount=None, *, key=None, **body):
        if amount is not None:
            body["amount"] = usd(amount)
        return self.move(payment, "refunds", body, key=key)

    def move(self, payment, verb, body, *, key=None):
        path = f"/v1/payments/{payment.reference}/{verb}"
        return self.api.post(path, body, key=key or builders.a_key())

    def backstage(self, deed, **given):
        """What only a bank, a cardholder or time can do at the processor."""
        reply = self.shop.http.post(f"/_sandbox/{deed}", json=given)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def seen(self, payment):
        """The payment as the API shows it."""
        return self.api.get(f"/v1/payments/{payment.reference}").json()

    def happened(self, payment):
        """How often what really happened at the processor, and for how much in all."""
        effects = self.shop.effects(payment.reference)
        count = Counter(effect["effect"] for effect in effects)
        amounts = Counter()
        for effect in effects:
            amounts[effect["effect"]] += effect["amount"]
        return {name: (count[name], amounts[name]) for name in count}


def rows(payment):
    """The steps that succeeded, as (kind, amount), in the order of their numbers."""
    steps = payment.transactions.filter(succeeded=True).order_by("kind", "sequence")
    return [(step.kind, step.amount) for step in steps]


def amounts(payment):
    """What was captured, let go, given back; and the state."""
    payment.refresh_from_db()
    return (
        payment.state, payment.captured_amount, payment.voided_amount, payment.refunded_amount,
    )  # fmt: skip


@contextmanager
def slow_processor(monkeypatch, verb, *, seconds=60.0):
    """A look-up takes this long; the list says how long the lease of a payment in flight still
    runs whenever `verb` is sent. Seconds."""
    find, send, left = StripeProcessor.find, getattr(StripeProcessor, verb), []

    def slow_find(self, **asked):
        seen = find(self, **asked)
        world.later(seconds)
        return seen

    def sent(self, **asked):
        asked_about = Payment.objects.get(state__in=["authorizing", "unknown", "voiding"])
        left.append((asked_about.leased_until - clock.now()).total_seconds())
        return send(self, **asked)

    with monkeypatch.context() as slow:
        slow.setattr(StripeProcessor, "find", slow_find)
        slow.setattr(StripeProcessor, verb, sent)
        yield left
