"""Pairs around money that was taken: it goes back once, and never more of it than there was."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from django.conf import settings

from foundation.ids import new_id
from payments.models import Payment, Refund, Source
from payments.services import cancel, capture, observe, refund, resolve
from tests.races.explorer.controls import (
    nothing_is_guarded,
    nothing_is_locked,
    together,
    without_unique,
)
from tests.races.explorer.pair import Action, Pair, later
from tests.races.explorer.turns import Ended

_LEASE_SECONDS: Final = settings.PAYMENT_LEASE_SECONDS + 1


class _Taken(Pair):
    """Money that was taken."""

    guard = "what may still be given back is read without a lock, and written back unguarded"
    may_raise = (*Pair.may_raise, observe.InFlight)

    def arrange(self) -> None:
        self.payment = self.a_hold()
        capture.capture(self.payment.pk, by="test")

    def give_back(self, *, amount: int | None = None, operation_id: Any = None) -> Refund:
        return refund.refund(
            self.payment.pk, by="test", reason="test", amount=amount, operation_id=operation_id
        )

    def resolve(self) -> int:
        return resolve.resolve_unknown(limit=5)

    def look(self) -> Payment:
        return observe.look_and_observe(self.payment.pk, by="processor", source=Source.PROCESSOR)

    def promise(self, *ended: Ended) -> Iterator[str]:
        """One refund at the processor, one row of it, and it succeeded."""
        made = [e["amount"] for e in self.effects(self.payment, "refund")]
        rows = list(Refund.objects.filter(payment=self.payment).values_list("state", "amount"))
        if len(made) != 1 or rows != [("succeeded", made[0])]:
            yield f"given back {made}, written down {rows}"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(
            nothing_is_guarded(),
            nothing_is_locked(),
            without_unique("payments_refund", "payment_id, sequence"),
        )


class RefundMeetsRefund(_Taken):
    """Two people give all of it back at once: one of them hears that nothing is left."""

    def actors(self) -> Sequence[Action]:
        return [self.give_back, self.give_back]


class PartMeetsPart(_Taken):
    """Two parts that together are more than was taken: one of them is refused."""

    def actors(self) -> Sequence[Action]:
        part = self.payment.amount * 2 // 3
        return [lambda: self.give_back(amount=part)] * 2


class RefundMeetsItself(_Taken):
    """One wish for a small part, carried out by two: it is given back once."""

    def arrange(self) -> None:
        super().arrange()
        self.wish = new_id()

    def actors(self) -> Sequence[Action]:
        return [lambda: self.give_back(amount=100, operation_id=self.wish)] * 2


class ResolverMeetsLateRefund(_Taken):
    """The lease of a refund runs out while it waits: the resolver settles it, and once."""

    def actors(self) -> Sequence[Action]:
        return [self.give_back, later(_LEASE_SECONDS, self.resolve)]


class RefundMeetsNews(_Taken):
    """The processor's event of a refund comes before, with and after the answer to it."""

    def actors(self) -> Sequence[Action]:
        return [self.give_back, later(_LEASE_SECONDS, self.look)]


class UndoMeetsCapture(Pair):
    """A payment is undone while it is captured: in the end nothing of it is kept."""

    guard = _Taken.guard

    def arrange(self) -> None:
        self.payment = self.a_hold()

    def actors(self) -> Sequence[Action]:
        return [self.cancel, lambda: capture.capture(self.payment.pk, by="test")]

    def cancel(self) -> cancel.Cancellation:
        return cancel.cancel_payment(self.payment.pk, by="test", reason="test")

    def promise(self, *ended: Ended) -> Iterator[str]:
        """Whoever undoes calls again until it is done, as the saga does."""
        last = self.cancel()
        sums = [
            sum(e["amount"] for e in self.effects(self.payment, kind))
            for kind in ("authorization", "capture", "cancel", "refund")
        ]
        held, taken, released, returned = sums
        if last.progress != "settled" or taken != returned or held != taken + released:
            yield f"{last.progress}: {held} held, {taken} taken, {released} let go, {returned} back"

    control = _Taken.control


class UndoMeetsUndo(UndoMeetsCapture):
    """Two undo one payment: what is held is released once."""

    def actors(self) -> Sequence[Action]:
        return [self.cancel, self.cancel]


class UndoMeetsRefund(UndoMeetsCapture):
    """A payment is undone while somebody gives a part of it back."""

    def arrange(self) -> None:
        super().arrange()
        capture.capture(self.payment.pk, by="test")

    def actors(self) -> Sequence[Action]:
        part = self.payment.amount // 3
        give_back = lambda: refund.refund(self.payment.pk, by="test", reason="test", amount=part)  # noqa: E731
        return [self.cancel, give_back]
