"""Pairs around one hold: its capture, its release, and the resolver that finishes either."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from django.conf import settings

from events.models import OutboxEvent
from payments.models import Payment, Source
from payments.services import capture, observe, resolve, steps, void
from tests.races.explorer.controls import (
    naive,
    nothing_is_guarded,
    nothing_is_locked,
    together,
    without_unique,
)
from tests.races.explorer.pair import Action, Pair, later, time_passes
from tests.races.explorer.turns import Ended
from tests.stories.world import capture_behind_our_back

_LEASE_SECONDS: Final = settings.PAYMENT_LEASE_SECONDS + 1
_EFFECT_OF: Final = {"captured": "capture", "voided": "cancel"}


class _OneHold(Pair):
    """A live hold; in the end it is captured or released, once, and told once."""

    guard = "a payment is moved whatever its state is, whoever holds its lease, without a lock"
    may_raise = (*Pair.may_raise, observe.InFlight)

    def arrange(self) -> None:
        self.payment = self.a_hold()

    def capture(self) -> Payment:
        return capture.capture(self.payment.pk, by="test")

    def release(self) -> Payment:
        return void.void(self.payment.pk, by="staff:anna", reason="test")

    def resolve(self) -> int:
        return resolve.resolve_unknown(limit=5)

    def look(self) -> Payment:
        """What an event of the processor starts: the payment is asked about."""
        return observe.look_and_observe(self.payment.pk, by="processor", source=Source.PROCESSOR)

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

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(
            nothing_is_guarded(),
            nothing_is_locked(),
            without_unique("payments_paymenttransaction", "payment_id, kind, sequence"),
            without_unique("payments_ledgerline", "entry, account, currency"),
        )


class CaptureMeetsVoid(_OneHold):
    """A capture and a release of the hold of an order: exactly one of them happens."""

    def arrange(self) -> None:
        self.payment = self.an_order().payment

    def actors(self) -> Sequence[Action]:
        return [self.capture, self.release]


class CaptureMeetsCapture(_OneHold):
    """Two workers with one task: the money is taken once."""

    def actors(self) -> Sequence[Action]:
        return [self.capture, self.capture]


class ResolverMeetsLateCapture(_OneHold):
    """The lease of a capture runs out while it waits: the resolver settles it, and once."""

    def actors(self) -> Sequence[Action]:
        return [self.capture, later(_LEASE_SECONDS, self.resolve)]


class ResolverMeetsLateVoid(_OneHold):
    """The same for a release."""

    def actors(self) -> Sequence[Action]:
        return [self.release, later(_LEASE_SECONDS, self.resolve)]


class CaptureMeetsVoidMeetsResolver(_OneHold):
    """All three: one effect, one state."""

    players = 3

    def actors(self) -> Sequence[Action]:
        return [self.capture, self.release, later(_LEASE_SECONDS, self.resolve)]


class ResponseMeetsNews(_OneHold):
    """The processor's event of a capture comes before, with and after the answer to it."""

    guard = f"{_OneHold.guard}, and whoever asks takes it from the living"

    def actors(self) -> Sequence[Action]:
        return [self.capture, self.look]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(_OneHold.control(), naive(steps, take_over=_take_over_from_the_living))


def _take_over_from_the_living(asked: Payment, *, also: Any = None) -> None:
    asked.lease_token += 1
    asked.save(update_fields=["lease_token"])


class LateResponseMeetsNews(_OneHold):
    """The same, when whoever waits for the answer has lost its lease."""

    def actors(self) -> Sequence[Action]:
        return [self.capture, later(_LEASE_SECONDS, self.look)]


class _LostCapture(_OneHold):
    """Its worker died before the processor was asked, and its lease is over."""

    after = False

    def arrange(self) -> None:
        super().arrange()
        self.dies_calling(self.capture, after=self.after)
        time_passes(_LEASE_SECONDS)


class ResolverMeetsResolver(_LostCapture):
    """Two sweeps find one capture whose worker died before it was sent."""

    def actors(self) -> Sequence[Action]:
        return [self.resolve, self.resolve]


class ResolverMeetsResolverAfterTheCapture(ResolverMeetsResolver):
    """The same, when the processor had taken the money already."""

    after = True


class ResolverMeetsNews(_LostCapture):
    """The sweep asks about a lost capture while the processor's event of it comes in."""

    after = True

    def actors(self) -> Sequence[Action]:
        return [self.resolve, self.look]


class NewsMeetsNews(_OneHold):
    """Two events of one capture that somebody made at the processor: it is booked once."""

    def arrange(self) -> None:
        super().arrange()
        capture_behind_our_back(self.payment)

    def actors(self) -> Sequence[Action]:
        return [self.look, self.look]


class VoidMeetsForeignCapture(NewsMeetsNews):
    """Somebody took the money at the processor; we release it, and hear of it, at once."""

    def actors(self) -> Sequence[Action]:
        return [self.release, self.look]
