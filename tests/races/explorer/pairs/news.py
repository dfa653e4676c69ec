"""Pairs around what the processor tells by itself: its events meet our answers and our sweeps."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from foundation import clock, rows
from payments.models import Dispute, Payment, Refund
from payments.models import ProcessorEvent as EventRow
from payments.processors.base import ProcessorEvent
from payments.services import capture, refund, steps
from tests.races.explorer.controls import (
    naive,
    nothing_is_guarded,
    nothing_is_locked,
    together,
    without_unique,
)
from tests.races.explorer.pair import Action, Pair
from tests.races.explorer.pairs.money import _LostCapture, _OneHold, _take_over_from_the_living
from tests.races.explorer.pairs.recovery import _OneCheckout, _without_leases
from tests.races.explorer.turns import Ended
from tests.stories.world import capture_behind_our_back


class AuthorizationMeetsItsEvent(_OneCheckout):
    """The event of a hold comes before, with and after the answer to it: one order."""

    guard = "a checkout is taken from the living, and nobody looks at tokens or states"

    def actors(self) -> Sequence[Action]:
        return [self.press_pay, self.news_taken_up]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return _without_leases()


class CaptureMeetsItsEvent(_OneHold):
    """The same for a capture: it is booked once."""

    guard = "a claim is taken from the living, unlocked, and states are moved whatever they are"

    def actors(self) -> Sequence[Action]:
        return [self.capture, self.news]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(_OneHold.control(), naive(steps, take_over=_take_over_from_the_living))


class ResolverMeetsEvent(_LostCapture):
    """The sweep asks about a lost capture while the processor's event of it is worked."""

    after = True

    def actors(self) -> Sequence[Action]:
        return [self.resolve, self.news]


class EventMeetsItsDuplicate(_OneHold):
    """One event, delivered twice at once, of a capture that somebody made at the processor."""

    guard = "whether an event was stored is looked up, and so is whether it was worked"

    def arrange(self) -> None:
        super().arrange()
        capture_behind_our_back(self.payment)
        about = Payment.objects.get(pk=self.payment.pk).processor_reference
        self.message = ProcessorEvent(
            external_id=f"evt_{self.payment.reference}", type="payment_intent.succeeded",
            kind="payment", object_id=about, processor_reference=about,
            reference=self.payment.reference, created_at=clock.now(),
        )  # fmt: skip

    def actors(self) -> Sequence[Action]:
        return [lambda: self.hear(self.message)] * 2

    def promise(self, *ended: Ended) -> Iterator[str]:
        yield from super().promise(*ended)
        stored = EventRow.objects.filter(external_id=self.message.external_id)
        states = list(stored.values_list("state", flat=True))
        if states != ["processed"]:
            yield f"the event is stored as {states}"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(
            without_unique("payments_processorevent", "processor, external_id"),
            naive(rows, insert_unless_there=_insert_by_looking_first),
        )


def _insert_by_looking_first(row: Any) -> bool:
    if EventRow.objects.filter(external_id=row.external_id).exists():
        return False
    rows.insert(row)
    return True


class DisputeMeetsRefund(Pair):
    """The bank takes money back while we give it back: it does not go twice, and both are known."""

    guard = "what may still be given back is read without a lock, and nothing is guarded"

    def arrange(self) -> None:
        self.payment = self.a_hold()
        capture.capture(self.payment.pk, by="test")
        about = self.payment.processor_reference
        opened = self.sandbox.backstage("disputes", payment=about, amount=self.payment.amount)
        self.message = ProcessorEvent(
            external_id=f"evt_{self.payment.reference}", type="charge.dispute.created",
            kind="dispute", object_id=opened["id"], processor_reference=about, reference="",
            created_at=clock.now(),
        )  # fmt: skip

    def actors(self) -> Sequence[Action]:
        return [self.give_back, lambda: self.hear(self.message)]

    def give_back(self) -> Refund:
        return refund.refund(self.payment.pk, by="test", reason="test")

    def promise(self, *ended: Ended) -> Iterator[str]:
        payment = Payment.objects.get(pk=self.payment.pk)
        disputes = list(Dispute.objects.filter(payment=payment).values_list("amount", flat=True))
        if disputes != [payment.amount] or payment.charged_back_amount != payment.amount:
            yield f"disputes {disputes}, {payment.charged_back_amount} charged back"
        pending = payment.refund_pending_amount
        if pending:
            yield f"{pending} is still put aside for a refund"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(nothing_is_guarded(), nothing_is_locked())
