"""Pairs around a customer who is away at the bank's page: back, given up, swept, or told of."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from django.conf import settings

from foundation.actions import Wish, perform
from orders.checkout import recovery, visits
from orders.models import Checkout, Order
from tests import builders
from tests.races.explorer.pair import Action, Pair, later
from tests.races.explorer.pairs.recovery import _without_leases
from tests.races.explorer.turns import Ended

_numbers = itertools.count(1)
_ACTION_SECONDS: Final = settings.ACTION_SECONDS + 1


class _Challenged(Pair):
    """The bank wants to see the customer, who has just shown it who he is."""

    guard = "a checkout is taken from the living, and nobody looks at tokens or states"

    def arrange(self) -> None:
        # A card of its own: one that is seen too often is reviewed.
        card = f"pm_card_authenticationRequired__{next(_numbers)}"
        body = self.a_purchase(payment_method=card)
        told = self.pay(body, key=builders.a_key())
        assert told.status == 202, told
        self.checkout = Checkout.objects.select_related("payment").get(client_id=self.client_id)
        path = f"/_sandbox/authenticate/{self.checkout.payment.processor_reference}"
        assert self.sandbox.http.post(path).status_code == 200

    def come_back(self) -> Any:
        return self._visit(visits.CONFIRM, visits.confirming)

    def give_up(self) -> Any:
        return self._visit(visits.CANCEL, visits.canceling)

    def _visit(self, action: Any, began: Any) -> Any:
        wish = Wish(f"{self.client_id}:visit", builders.a_key(), {})
        return perform(action, wish, begin=began(self.checkout, actor="client", request_id=""))

    def sweep(self) -> int:
        return recovery.recover_checkouts(limit=5)

    def promise(self, *ended: Ended) -> Iterator[str]:
        """An order with a live hold, or no order and nothing held."""
        orders = Order.objects.filter(checkout=self.checkout).exclude(state="canceled").count()
        done = [e["effect"] for e in self.effects(self.checkout.payment, "authorization", "cancel")]
        if (orders, done) not in ((1, ["authorization"]), (0, ["authorization", "cancel"])):
            yield f"{orders} orders, and the processor did {done}"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return _without_leases()


class ReturnMeetsReturn(_Challenged):
    """The customer comes back in two tabs: one order."""

    def actors(self) -> Sequence[Action]:
        return [self.come_back, self.come_back]


class ReturnMeetsItsEvent(_Challenged):
    """The customer comes back while the processor tells of it: one order."""

    def actors(self) -> Sequence[Action]:
        return [self.come_back, self.news_taken_up]


class ReturnMeetsGivingUp(_Challenged):
    """One tab comes back while another gives up: an order, or nothing held."""

    def actors(self) -> Sequence[Action]:
        return [self.come_back, self.give_up]


class ReturnMeetsTheDeadline(_Challenged):
    """The customer comes back in the moment in which his time is over."""

    def actors(self) -> Sequence[Action]:
        return [self.come_back, later(_ACTION_SECONDS, self.sweep)]
