"""Pairs in which a person decides: reviews, and orders that are canceled while they start."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from django.conf import settings

from foundation import idempotency
from foundation.models import AuditEntry, IdempotencyKey, Transition
from orders import cancellation, fulfillment, reviews
from orders.checkout import recovery, steps
from orders.models import Checkout, Fulfillment, Order
from payments.models import Payment
from payments.services import void
from tests import builders
from tests.races.explorer.controls import (
    naive,
    nothing_is_guarded,
    nothing_is_locked,
    together,
)
from tests.races.explorer.pair import Action, Pair, later
from tests.races.explorer.turns import Ended

_REVIEW_SECONDS = settings.REVIEW_SECONDS + 1


class _InReview(Pair):
    """A purchase so large that somebody must look at it; the money is held."""

    def arrange(self) -> None:
        sku = self.a_product(amount=settings.RISK_AMOUNT_LIMITS["USD"][0])
        told = self.pay(self.a_purchase(sku), key=builders.a_key())
        assert told.status == 202, told
        self.checkout = Checkout.objects.select_related("payment").get(client_id=self.client_id)

    def approve(self) -> Checkout:
        return reviews.decide(self.checkout.pk, approved=True, by="staff:ana", reason="known")

    def reject(self) -> Checkout:
        return reviews.decide(self.checkout.pk, approved=False, by="staff:ben", reason="odd")

    def promise(self, *ended: Ended) -> Iterator[str]:
        """At most one decision, and what it decided is what happened."""
        checkout = Checkout.objects.get(pk=self.checkout.pk)
        ordered = Order.objects.filter(checkout=checkout).exclude(state="canceled").exists()
        released = bool(self.effects(self.checkout.payment, "cancel"))
        if ordered == released:
            yield f"ordered: {ordered}, released: {released}"
        if ordered and checkout.review_decision != "approved":
            yield f"ordered, although the decision was {checkout.review_decision!r}"
        decisions = AuditEntry.objects.filter(
            aggregate_id=checkout.pk, action__in=("checkout.approve", "checkout.reject")
        ).count()
        if decisions > 1:
            yield f"{decisions} decisions on record"


class ApproveMeetsReject(_InReview):
    """Two people decide differently at once: one of them is told that it is decided."""

    guard = "the decision is read, and then written whatever it is by now"

    def actors(self) -> Sequence[Action]:
        return [self.approve, self.reject]

    def promise(self, *ended: Ended) -> Iterator[str]:
        yield from super().promise(*ended)
        if sum(each.error is None for each in ended) != 1:
            yield f"{sum(each.error is None for each in ended)} decisions were accepted"
        wanted = "approved" if ended[0].error is None else "rejected"
        decision = Checkout.objects.get(pk=self.checkout.pk).review_decision
        if decision != wanted:
            yield f"accepted as {wanted}, stored as {decision}"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return naive(reviews, _record=_record_blindly)


class ApproveMeetsTheEndOfReview(_InReview):
    """Approved at the moment in which the time for it is over: an order, or nothing held."""

    guard = "the decision is read, and then written whatever it is by now"

    def actors(self) -> Sequence[Action]:
        return [self.approve, later(_REVIEW_SECONDS, lambda: recovery.recover_checkouts(limit=5))]

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return naive(reviews, _record=_record_blindly)


class ApproveMeetsVoid(_InReview):
    """Approved while somebody releases the hold: no order is placed on a hold that is going."""

    guard = "the pivot does not look at the payment's row again"

    def actors(self) -> Sequence[Action]:
        return [self.approve, self.release]

    def release(self) -> Payment:
        return void.void(self.checkout.payment.pk, by="staff:ben", reason="odd")

    def promise(self, *ended: Ended) -> Iterator[str]:
        yield from super().promise(*ended)
        number = self.checkout.payment.pk
        moves = Transition.objects.filter(aggregate_id__in=[number, self.checkout.pk])
        states = list(moves.order_by("id").values_list("to_state", flat=True))
        if "completed" in states and "voiding" in states[: states.index("completed")]:
            yield f"an order was placed on a hold that was being released: {states}"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return naive(steps, _is_still_held=lambda checkout: checkout.payment.state == "authorized")


class RejectMeetsVoid(_InReview):
    """Rejected while somebody releases the hold: it is released once, and the stock comes back."""

    guard = "a payment is moved whatever it is"

    def actors(self) -> Sequence[Action]:
        return [self.reject, self.release]

    release = ApproveMeetsVoid.release

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(nothing_is_guarded(), nothing_is_locked())


def _record_blindly(checkout_id: UUID, decision: str) -> None:
    checkout = Checkout.objects.select_related("payment").get(pk=checkout_id)
    if why := reviews._why_not(checkout, decision):
        raise reviews.NotInReview(why)
    checkout.review_decision = decision
    checkout.save(update_fields=["review_decision"])
    keys = IdempotencyKey.objects.filter(subject_id=checkout_id, state="in_progress")
    keys.update(leased_until=idempotency.from_now(0), is_paused=True)


class VoidMeetsFulfillment(Pair):
    """A hold is released while the warehouse is told of its order: nothing is to be shipped."""

    guard = "rows are read without a lock, and an order is moved whatever it is"

    def arrange(self) -> None:
        self.order = self.an_order()

    def actors(self) -> Sequence[Action]:
        return [self.cancel, lambda: fulfillment.fulfill(self.order.pk)]

    def cancel(self) -> None:
        void.void(self.order.payment_id, by="staff:anna", reason="changed their mind")
        cancellation.follow_payment(self.order.payment_id)

    def promise(self, *ended: Ended) -> Iterator[str]:
        order = Order.objects.select_related("payment").get(pk=self.order.pk)
        due = Fulfillment.objects.filter(order=order).exclude(state="canceled").count()
        if (order.state, order.payment.state, due) != ("canceled", "voided", 0):
            yield f"{order.state}, {order.payment.state}, {due} shipments due"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(nothing_is_guarded(), nothing_is_locked())
