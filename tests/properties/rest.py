"""The end of each example: nothing moves any more, and every witness tells the same."""

from foundation.models import IdempotencyKey
from orders.models import Order, StockItem
from payments.models import Payment
from tests.ledger_witness import differences
from tests.properties.model import PLACED
from tests.stories import world

ROUNDS_MAX = 12
_TAKEN = ("captured", "partially_refunded", "refunded")


class AtRest:
    """Teardown of the machine: drive everything to its end, then ask everybody."""

    def teardown(self):
        if not hasattr(self, "shelf"):
            return
        self.sandbox.heal()
        self._the_chains_may_take()
        self._drive_to_rest()
        for purchase in self.purchases:
            self._hear(purchase, self.api.checkout(purchase.body, key=purchase.key), is_repeat=True)
            assert purchase.answer is not None, "at rest every key has its final answer"
            self._check(purchase)
        self._check_the_shelf()

    def _drive_to_rest(self):
        for _ in range(ROUNDS_MAX):
            world.later(3700)
            before = self._snapshot()
            world.sweep()
            world.play_events()
            if before == self._snapshot():
                return
        raise AssertionError("it does not come to rest")

    def _snapshot(self):
        rows = Payment.objects.filter(stream__in=self._checkouts())
        orders = Order.objects.filter(checkout_id__in=self._checkouts())
        return (
            sorted(rows.values_list("pk", "state", "refunded_amount", "refund_pending_amount")),
            sorted(orders.values_list("pk", "state", "next_step_at")),
        )

    def _checkouts(self):
        keys = IdempotencyKey.objects.filter(key__in=[p.key for p in self.purchases])
        return list(keys.values_list("subject_id", flat=True))

    def _check(self, purchase):
        checkout = self._checkout_of(purchase)
        order = Order.objects.filter(checkout_id=checkout).first()
        assert (order is not None) == purchase.is_(PLACED)
        holds, effects = self._journal_of(checkout)
        if order is None:
            assert holds == [], "a refusal holds nothing"
            assert "capture" not in effects
            return
        assert effects.count("authorization") == 1
        assert not ("capture" in effects and "cancel" in effects), "never both"
        assert holds == []
        self._check_the_money(purchase, order)

    def _check_the_money(self, purchase, order):
        money, payment = self.money[purchase.payment], order.payment
        assert payment.state in ("voided", *_TAKEN)
        money.settle("voided" if payment.state == "voided" else "captured")
        assert (order.state == "canceled") == money.is_("voided")
        assert payment.captured_amount == (0 if money.is_("voided") else money.taken)
        told = sum(money.refunds.values())
        assert told <= payment.refunded_amount <= told + money.unheard
        assert payment.refund_pending_amount == 0
        assert differences(self.sandbox, [payment]) == []

    def _journal_of(self, checkout):
        holds, effects = [], []
        for row in Payment.objects.filter(stream=checkout):
            holds += self.sandbox.holds(row.reference)
            effects += [effect["effect"] for effect in self.sandbox.effects(row.reference)]
        return holds, effects

    def _check_the_shelf(self):
        kept = [p for p in self.purchases if p.is_(PLACED)]
        kept = [p for p in kept if not self.money[p.payment].is_("voided")]
        item = StockItem.objects.get(sku=self.sku)
        assert item.reserved == sum(p.quantity for p in kept)
        assert item.on_hand == self.shelf.on_hand
