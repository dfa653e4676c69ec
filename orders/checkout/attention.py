"""Checkouts that need a person: what is at stake, told as a case, and its end when it is over."""

from typing import Final

from foundation import cases
from foundation.cases import Subject
from foundation.models import IdempotencyKey
from foundation.money import Money
from orders.models import Checkout

NOT_UNDONE: Final = "checkout_not_undone"
CRASHING: Final = "checkout_crashing"


def tell_not_undone(checkout: Checkout) -> None:
    """Undoing does not end by itself: the processor is silent, or the money was taken."""
    payment = checkout.payment
    state = "missing" if payment is None else payment.state
    asked = 0 if payment is None else payment.look_ups
    cases.open_once(
        NOT_UNDONE,
        about=Subject("checkout", checkout.pk),
        title=f"{checkout.reference} can not be undone: its payment is {state}",
        detail=f"Asked without an answer: {asked} times. The shopper has no order.",
        stake=_at_stake(checkout),
    )


def tell_crashing(key: IdempotencyKey) -> None:
    """Whoever works on it dies; no sweep takes it up any more."""
    checkout = Checkout.objects.select_related("payment").get(pk=key.subject_id)
    cases.open_once(
        CRASHING,
        about=Subject("checkout", checkout.pk),
        title=f"{checkout.reference} is parked: {key.crashes} runners died on it in a row",
        detail=f"It is {checkout.state}, came as far as {checkout.recovery_point}.",
        stake=_at_stake(checkout),
    )


def is_over(checkout: Checkout) -> None:
    """The checkout came to its end: whatever case was open about it ends with it."""
    for kind in (NOT_UNDONE, CRASHING):
        cases.resolve(kind, checkout.pk, by="system:checkout", reason=f"It is {checkout.state}.")


def _at_stake(checkout: Checkout) -> Money:
    """What was taken and not given back; when nothing was, what is or may be held."""
    payment = checkout.payment
    kept = 0 if payment is None else payment.captured_amount - payment.refunded_amount
    return Money(kept or checkout.total_amount, checkout.currency)
