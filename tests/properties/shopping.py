"""What is done to the real code, and what it must say: rules that the model judges.

Each example has a client, a product and a shelf of its own, so that nothing need be emptied
between them; what one leaves behind is driven to its end before the next begins.
"""

import contextlib
import datetime as dt
import itertools
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from foundation import clock, ids
from foundation.models import IdempotencyKey
from payments.models import Payment
from payments.processors.stripe import StripeProcessor
from tests import builders
from tests.conftest import Api
from tests.properties.messages import deliver, messages_of
from tests.properties.model import (
    DECLINED,
    EXPIRED,
    PLACED,
    UNSETTLED,
    Money,
    Purchase,
    Shelf,
)
from tests.properties.rest import AtRest
from tests.properties.staff import Staff
from tests.stories import world

_shelves = itertools.count(1)
# outcome → the first status, when the shelf is full
APPROVED = "approved"
OUTCOMES = {
    APPROVED: {201},
    "declined": {402},
    "timeout_after": {202},
    "lost_reply": {202},
    "500_after": {202},
    "malformed": {202},
    "timeout_before": {202},
    "500_before": {202},
    "reset_before": {202},
    "rate_limited": {503},
}
CAPTURE_FAULTS = ("timeout_after", "500_before", "lost_reply", "capture_refused")


class Shopping(Staff, AtRest, RuleBasedStateMachine):
    """Shoppers, staff, time and the processor, in any order that Hypothesis can think of."""

    sandbox = None  # set by the test

    @initialize(on_hand=st.integers(2, 6))
    def open_shop(self, on_hand):
        self.sku = f"PROP-{next(_shelves)}"
        builders.a_product(self.sku, on_hand=on_hand)
        _, key = builders.a_client()
        self.api = Api(key)
        self.shelf = Shelf(on_hand)
        self.money = {}  # payment reference → Money

    @property
    def purchases(self):
        return self.shelf.purchases

    def _some(self, number):
        return self.purchases[number % len(self.purchases)]

    # --- the shopper ------------------------------------------------------------------------

    @rule(outcome=st.sampled_from(sorted(OUTCOMES)), quantity=st.integers(1, 3))
    def buy(self, outcome, quantity):
        purchase = self._wish(outcome, quantity)
        reply = self._send(purchase)
        expected = OUTCOMES[outcome] | ({409} if "sold out" in purchase.worlds else set())
        assert reply.status_code in expected, (outcome, reply.status_code, reply.content)

    @rule(quantity=st.integers(1, 2))
    def buy_and_die(self, quantity):
        """The web process dies when the processor has said yes and before it is told."""
        purchase = self._wish(APPROVED, quantity)
        with _dies_after("authorize"), contextlib.suppress(world.ProcessDied):
            self._hear(purchase, self.api.checkout(purchase.body, key=purchase.key))

    @precondition(lambda self: self.purchases)
    @rule(number=st.integers(0, 9))
    def repeat(self, number):
        purchase = self._some(number)
        was = purchase.answer
        reply = self.api.checkout(purchase.body, key=purchase.key)
        if reply.status_code == 409 and reply.json()["code"] == "idempotency_in_progress":
            assert purchase.answer is None, "an ended key is never in progress"
            return
        self._hear(purchase, reply, is_repeat=True)
        assert (reply.get("Idempotent-Replayed") == "true") == (purchase.answer is not None) or (
            was is None
        )

    @precondition(lambda self: self.purchases)
    @rule(number=st.integers(0, 9))
    def repeat_with_another_body(self, number):
        purchase = self._some(number)
        other = purchase.body | {"metadata": {"channel": "app"}}
        reply = self.api.checkout(other, key=purchase.key)
        assert (reply.status_code, reply.json()["code"]) == (422, "idempotency_key_reused")

    @precondition(lambda self: any(p.is_(PLACED) or p.answer is None for p in self.purchases))
    @rule(number=st.integers(0, 9))
    def buy_the_same_cart_with_another_key(self, number):
        live = [p for p in self.purchases if p.is_(PLACED) or p.worlds == UNSETTLED]
        if not live:
            return
        first = live[number % len(live)]
        second = Purchase(builders.a_key(), first.body, first.quantity)
        second.worlds = self.shelf.may_sell(first.quantity)
        reply = self.api.checkout(second.body, key=second.key)
        code = reply.json().get("code")
        if code == "cart_already_ordered":
            first.settle(PLACED)
        elif code == "checkout_in_progress":
            assert not first.is_known, "a checkout that has ended is not in progress"
        else:  # only a first attempt that was undone lets a second one in
            first.settle(EXPIRED)
            self.purchases.append(second)
            self._hear(second, reply)

    # --- the processor ------------------------------------------------------------------------

    @precondition(lambda self: self.purchases)
    @rule(times=st.integers(1, 3), newest_first=st.booleans(), number=st.integers(0, 9))
    def deliver_messages(self, times, newest_first, number):
        """Late, twice, in the wrong order; and worked as the worker works them."""
        self._the_chains_may_take()
        events = list(messages_of(self.sandbox, self._checkout_of(self._some(number))))
        for body in reversed(events) if newest_first else events:
            for _ in range(times):
                assert deliver(self.api, body) in (200, 202)
        world.play_events()

    # --- the machinery ----------------------------------------------------------------------

    @rule(fault=st.none() | st.sampled_from(CAPTURE_FAULTS))
    def let_the_chains_run(self, fault):
        if fault:
            self.sandbox.fault("capture", fault, times=1, seconds=1)
        self._the_chains_may_take()
        world.play_events()
        self.sandbox.heal()

    @rule()
    def lose_every_message(self):
        world.lose_events()

    @rule(seconds=st.sampled_from([1, 20, 76, 600, 1000]))
    def let_time_go_by(self, seconds):
        clock.move(dt.timedelta(seconds=seconds))

    @rule()
    def sweep(self):
        self._the_chains_may_take()
        world.sweep()

    # --- helpers ----------------------------------------------------------------------------

    def _the_chains_may_take(self):
        for money in self.money.values():
            if money.is_("authorized"):
                money.states = frozenset({"authorized", "captured"})

    def _checkout_of(self, purchase):
        return IdempotencyKey.objects.get(key=purchase.key).subject_id if purchase else None

    def _wish(self, outcome, quantity):
        number = next(_shelves)
        method = f"pm_card_visa__prop{number}"
        if outcome == "declined":
            method = f"pm_card_chargeDeclined__prop{number}"
        elif outcome != APPROVED:
            # once: the second try finds a healthy processor
            self.sandbox.fault("create", outcome, times=1, seconds=1)
        body = builders.a_purchase(
            lines=[{"sku": self.sku, "quantity": quantity}], payment_method=method
        )
        worlds = self.shelf.may_sell(quantity)
        if outcome == "declined":
            worlds = (worlds - UNSETTLED) | ({DECLINED} if worlds & UNSETTLED else set())
        purchase = Purchase(builders.a_key(), body, quantity, frozenset(worlds))
        self.purchases.append(purchase)
        return purchase

    def _send(self, purchase):
        reply = self.api.checkout(purchase.body, key=purchase.key)
        self._hear(purchase, reply)
        self.sandbox.heal()
        return reply

    def _hear(self, purchase, reply, *, is_repeat=False):
        said = reply.json()
        purchase.hear(reply.status_code, said.get("code"), reply.content, is_repeat=is_repeat)
        if reply.status_code == 201 and not purchase.payment:
            purchase.order, purchase.payment = said["order"]["id"], said["payment"]["id"]
            row = Payment.objects.get(pk=ids.parse("pay", purchase.payment))
            self.money[purchase.payment] = Money(
                row.amount, frozenset({"authorized", "captured", "voided"} & _seen(row))
            )


def _seen(row):
    """Heard of late: sweeps may have been at it already."""
    return {"authorized", "captured"} if row.state != "voided" else {"voided"}


@contextlib.contextmanager
def _dies_after(operation):
    real = getattr(StripeProcessor, operation)

    def fatal(self, **asked):
        real(self, **asked)
        raise world.ProcessDied

    with mock.patch.object(StripeProcessor, operation, fatal):
        yield
