"""Pairs around one hold: its capture, its release, and the resolver that finishes either."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings

from events.models import OutboxEvent
from payments.models import Payment
from payments.services import capture, resolve, steps, void
from tests.races.explorer.controls import (
    locks_are_not_taken,
    move_whatever_it_is,
    naive,
    together,
    without_unique,
)
from tests.races.explorer.pair import Action, Pair, later, time_passes
from tests.races.explorer.turns import Ended

_LEASE_SECONDS = settings.PAYMENT_LEASE_SECONDS + 1
_EFFECT_OF = {"captured": "capture", "voided": "cancel"}


class _OneHold(Pair):
    """An order with a live hold; in the end it is captured or released, once, and told once."""

    def arrange(self) -> None:
        self.payment = self.an_order().payment

    def capture(self) -> Payment:
        return capture.capture(self.payment.pk, by="test")

    def release(self) -> Payment:
        return void.void(self.payment.pk, by="staff:anna", reason="test")

    def resolve(self) -> int:
        return resolve.resolve_unknown(limit=5)

    def promise(self, *ended: Ended) -> Iterator[str]:
        state = Payment.objects.get(pk=self.payment.pk).state
        happened = [e["effect"] for e in self.effects(self.payment, "capture", "cancel")]
        if happened != [_EFFECT_OF.get(state)]:
            yield f"the processor did {happened}, and the payment is {state}"
        told = OutboxEvent.objects.filter(
            stream=self.payment.stream, type__in=("payment.captured", "payment.voided")
        )
        if [event.type for event in told] != [f"payment.{state}"]:
            yield f"told {[event.type for event in told]} of a payment that is {state}"


class CaptureMeetsVoid(_OneHold):
    """A capture and a release of one hold: exactly one of them happens."""

    guard = "a state is moved whatever it is"

    def actors(self) -> Sequence[Action]:
        return [self.capture, self.release]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return _moved_blindly()


class CaptureMeetsCapture(_OneHold):
    """Two workers with one task: the money is taken once."""

    guard = "a state is moved whatever it is"

    def actors(self) -> Sequence[Action]:
        return [self.capture, self.capture]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return _moved_blindly()


class ResolverMeetsLateCapture(_OneHold):
    """The lease of a capture runs out while it waits: the resolver settles it, and once."""

    guard = "a state is moved whatever it is, whoever holds the lease"

    def actors(self) -> Sequence[Action]:
        return [self.capture, later(_LEASE_SECONDS, self.resolve)]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return _moved_blindly()


class ResolverMeetsLateVoid(_OneHold):
    """The same for a release."""

    guard = "a state is moved whatever it is, whoever holds the lease"

    def actors(self) -> Sequence[Action]:
        return [self.release, later(_LEASE_SECONDS, self.resolve)]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return _moved_blindly()


class CaptureMeetsVoidMeetsResolver(_OneHold):
    """All three: one effect, one state."""

    players = 3
    guard = "a state is moved whatever it is, whoever holds the lease"

    def actors(self) -> Sequence[Action]:
        return [self.capture, self.release, later(_LEASE_SECONDS, self.resolve)]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return _moved_blindly()


class ResolverMeetsResolver(_OneHold):
    """Two sweeps find one capture whose worker died before it was sent."""

    guard = "the resolver reads without a lock, and a state is moved whatever it is"
    after = False

    def arrange(self) -> None:
        super().arrange()
        self.dies_calling(self.capture, after=self.after)
        time_passes(_LEASE_SECONDS)

    def actors(self) -> Sequence[Action]:
        return [self.resolve, self.resolve]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(locks_are_not_taken(), _moved_blindly())


class ResolverMeetsResolverAfterTheCapture(ResolverMeetsResolver):
    """The same, when the processor had taken the money already."""

    after = True


def _moved_blindly() -> AbstractContextManager[Any]:
    return together(
        *(naive(module, move=move_whatever_it_is) for module in (capture, void, steps)),
        without_unique("payments_paymenttransaction", "payment_id, kind, sequence"),
    )
