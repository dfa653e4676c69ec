"""Pairs around the recovery of checkouts: the sweep, the slow original, the client who returns."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings

from foundation import clock, idempotency
from foundation.models import IdempotencyKey
from orders.checkout import recovery
from orders.models import Order
from tests import builders
from tests.races.explorer.controls import locks_are_not_taken, together
from tests.races.explorer.pair import Action, Pair, Told, later, time_passes
from tests.races.explorer.turns import Ended

_LEASE_SECONDS = settings.CHECKOUT_LEASE_SECONDS + 1


def _sweep() -> int:
    return recovery.recover_checkouts(limit=5)


class _OneCheckout(Pair):
    """One purchase; whoever carries it to its end, it has one order and one hold."""

    def arrange(self) -> None:
        self.body, self.key = self.a_purchase(), builders.a_key()

    def press_pay(self) -> Told:
        return self.pay(self.body, key=self.key)

    def promise(self, *ended: Ended) -> Iterator[str]:
        orders = list(Order.objects.filter(client_id=self.client_id).select_related("payment"))
        if len(orders) != 1:
            yield f"{len(orders)} orders"
        for order in orders:
            asked = self.effects(order.payment, "authorization")
            if len(asked) != 1:
                yield f"{len(asked)} authorizations"
        again = self.press_pay()
        if (again.status, again.is_replay) != (201, True):
            yield f"the key answers {again.status} {again.code} afterwards"
        for told in [each.value for each in ended if isinstance(each.value, Told)]:
            if told.status == 201 and told.body != again.body:
                yield "one key, two answers"
            if told.status not in (201, 409):
                yield f"told {told.status} {told.code}"


class _DeadRunner(_OneCheckout):
    """Its process died before the processor was asked, and its lease is over."""

    after = False

    def arrange(self) -> None:
        super().arrange()
        self.dies_calling(self.press_pay, after=self.after)
        time_passes(_LEASE_SECONDS)


class SweepMeetsSlowOriginal(_OneCheckout):
    """The lease of a request runs out while it is at work: the sweep goes on in its place."""

    guard = "nobody looks at the token of the lease"

    def actors(self) -> Sequence[Action]:
        return [self.press_pay, later(_LEASE_SECONDS, _sweep)]


class SweepMeetsSweep(_DeadRunner):
    """Two sweeps find one dead checkout: one takes it, and the other passes by."""

    guard = "the sweep reads without a lock"

    def actors(self) -> Sequence[Action]:
        return [_sweep, _sweep]


class SweepMeetsSweepAfterTheHold(SweepMeetsSweep):
    """The same, when the dead process had made the hold already."""

    after = True


class SweepMeetsRetry(_DeadRunner):
    """The client comes back at the moment in which the sweep takes over."""

    guard = "nobody looks at the token of the lease"

    def actors(self) -> Sequence[Action]:
        return [self.press_pay, _sweep]
