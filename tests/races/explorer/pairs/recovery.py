"""Pairs around the recovery of checkouts: the sweep, the slow original, the client who returns."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock
from uuid import UUID

from django.conf import settings

from foundation import idempotency
from foundation.idempotency import Lease
from foundation.models import IdempotencyKey
from foundation.state_machine import move
from foundation.transactions import durable
from orders.checkout import recovery
from orders.models import Order
from payments.models import Payment
from payments.services import authorize
from payments.states import PAYMENT
from tests import builders
from tests.races.explorer.controls import naive, nothing_is_guarded, nothing_is_locked, together
from tests.races.explorer.pair import Action, Pair, Told, later, time_passes
from tests.races.explorer.turns import Ended

_LEASE_SECONDS = settings.CHECKOUT_LEASE_SECONDS + 1
_GIVEN_UP_SECONDS = settings.FORWARD_SECONDS + 1


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

    def promise(self, *ended: Ended) -> Iterator[str]:
        """One takes over: the processor is asked once what became of it, and sent to once."""
        yield from super().promise(*ended)
        payment = Payment.objects.get(client_id=self.client_id)
        asked = Counter(each["operation"] for each in self.sandbox.requests(payment.reference))
        if (asked["search"], asked["create"]) != (1, 1):
            yield f"looked up {asked['search']} times, sent {asked['create']} times"


class SweepMeetsSlowOriginal(_OneCheckout):
    """The lease of a request runs out while it is at work: the sweep goes on in its place."""

    guard = "nobody looks at the token of the lease, nor at the state before he moves it"

    def actors(self) -> Sequence[Action]:
        return [self.press_pay, later(_LEASE_SECONDS, _sweep)]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return _without_fences()


class RetryMeetsSlowOriginal(SweepMeetsSlowOriginal):
    """The lease runs out, and the client asks again while the first request is at work."""

    def actors(self) -> Sequence[Action]:
        return [self.press_pay, later(_LEASE_SECONDS, self.press_pay)]


class SweepMeetsSweep(_DeadRunner):
    """Two sweeps find one dead checkout: one takes it, and the other passes by."""

    guard = "the sweep reads without a lock, and nobody looks at tokens or states"

    def actors(self) -> Sequence[Action]:
        return [_sweep, _sweep]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(nothing_is_locked(), _without_fences())


class SweepMeetsSweepAfterTheHold(SweepMeetsSweep):
    """The same, when the dead process had made the hold already."""

    after = True


class SweepMeetsRetry(SweepMeetsSweep):
    """The client comes back at the moment in which the sweep takes over."""

    def actors(self) -> Sequence[Action]:
        return [self.press_pay, _sweep]


class SweepMeetsLateAuthorization(Pair):
    """A request that lies on the way until its checkout is given up: its hold is let go."""

    guard = "what was given up is not looked at a second time"

    def actors(self) -> Sequence[Action]:
        body = self.a_purchase()
        return [lambda: self.pay(body, key=builders.a_key()), later(_GIVEN_UP_SECONDS, _sweep)]

    def promise(self, *ended: Ended) -> Iterator[str]:
        told = ended[0].value
        if told is None or told.status not in (201, 409):
            yield f"told {told}"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return naive(authorize, abandon=_abandon_for_good)


def _abandon_for_good(payment: Payment, *, by: str) -> None:
    move(payment, table=PAYMENT, to="abandoned", by=by)


def _without_fences() -> AbstractContextManager[Any]:
    return together(mock.patch.object(Lease, "held", _held_by_anybody), nothing_is_guarded())


@contextmanager
def _held_by_anybody(self: Lease) -> Iterator[IdempotencyKey]:
    with durable():
        yield idempotency.locked(self.key_id)


def _without_leases() -> AbstractContextManager[Any]:
    taken = naive(idempotency, take_over=_take_over_from_the_living)
    return together(taken, nothing_is_locked(), _without_fences())


def _take_over_from_the_living(*, subject_id: UUID, lease_seconds: float) -> IdempotencyKey | None:
    with durable():
        row = IdempotencyKey.objects.filter(subject_id=subject_id, state="in_progress").first()
        if row is not None:
            idempotency._take(row, lease_seconds)
    return row
