"""What is done to the money afterwards: captures of a part, releases, refunds, lost answers."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from foundation import ids
from payments.models import Payment
from tests import builders
from tests.properties.model import PLACED, Impossible

REFUND_FAULTS = ("timeout_after", "lost_reply", "500_before", "timeout_before")
_some_of_it = st.integers(1, 100)  # percent


class Staff:
    """Rules of whoever moves money after the order; over the API, each with a key of its own."""

    def _placed(self, number):
        placed = [p for p in self.purchases if p.is_(PLACED) and p.payment]
        return placed[number % len(placed)] if placed else None

    def _post(self, purchase, what, body):
        path = f"/v1/payments/{purchase.payment}/{what}"
        return self.api.post(path, body, key=builders.a_key())

    @precondition(lambda self: self.money)
    @rule(number=st.integers(0, 9))
    def void(self, number):
        purchase = self._placed(number)
        if purchase is None:
            return
        money = self.money[purchase.payment]
        reply = self._post(purchase, "void", {"reason": "a model's whim"})
        if reply.status_code in (200, 201):
            money.settle("voided") if "voided" in money.states else self._released(money)
        elif reply.status_code == 409:
            if money.is_("authorized"):
                raise Impossible("a live hold can be released")
        else:
            raise Impossible(f"void: {reply.status_code} {reply.content}")

    def _released(self, money):
        money.settle("authorized")
        money.states = frozenset({"voided"})

    @precondition(lambda self: self.money)
    @rule(number=st.integers(0, 9), percent=_some_of_it)
    def capture_a_part(self, number, percent):
        """And let go of the rest."""
        purchase = self._placed(number)
        if purchase is None:
            return
        money = self.money[purchase.payment]
        part = max(1, money.total * percent // 100)
        body = {"amount": {"amount": part, "currency": "USD"}}
        reply = self._post(purchase, "captures", body)
        if reply.status_code == 201:
            money.settle("authorized")
            money.states, money.part = frozenset({"captured"}), part
        elif reply.status_code != 409 or money.is_("authorized"):
            raise Impossible(f"captures: {reply.status_code} {reply.content}")

    @precondition(lambda self: self.money)
    @rule(
        number=st.integers(0, 9), percent=st.integers(1, 130),
        fault=st.none() | st.sampled_from(REFUND_FAULTS),
    )  # fmt: skip
    def refund(self, number, percent, fault):
        """Also more than there is."""
        purchase = self._placed(number)
        if purchase is None:
            return
        if fault:
            self.sandbox.fault("refund", fault, times=1, seconds=1)
        money = self.money[purchase.payment]
        amount = max(1, money.taken * percent // 100)
        body = {"amount": {"amount": amount, "currency": "USD"}}
        reply = self._post(purchase, "refunds", body)
        self.sandbox.heal()
        self._hear_of_refund(money, amount, reply)

    def _hear_of_refund(self, money, amount, reply):
        least, most = money.refundable
        if reply.status_code == 201:
            if amount > most:
                raise Impossible(f"{amount} given back of {most}")
            money.settle("captured")
            money.refunds[reply.json()["id"]] = amount
        elif reply.status_code == 202:
            money.settle("captured")
            money.unheard += amount
        elif reply.status_code not in (409, 422) or amount <= least:
            raise Impossible(f"refund of {amount}: {reply.status_code} {reply.content}")

    def _state(self, purchase):
        return Payment.objects.get(pk=ids.parse("pay", purchase.payment)).state
