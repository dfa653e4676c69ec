"""Orders whose money needs a person: what is at stake, told as a case."""

from typing import Final

from foundation import cases
from foundation.cases import Subject
from foundation.models import IdempotencyKey
from foundation.money import Money
from orders.models import Cancellation, Order

NOT_UNDONE: Final = "order_not_undone"
CRASHING: Final = "cancellation_crashing"
UNPAID: Final = "order_unpaid"
SHIPPED_UNPAID: Final = "shipped_unpaid"
NOT_FOLLOWED: Final = "order_not_followed"
TAKEN_NOT_SHIPPED: Final = "taken_not_shipped"


def tell_not_undone(cancellation: Cancellation) -> None:
    """Its money is neither released nor given back, and that does not end by itself."""
    order = cancellation.order
    cases.open_once(
        NOT_UNDONE,
        about=Subject("order", order.pk),
        title=f"{order.reference} is being canceled, and its money is not settled",
        detail=f"{cancellation.last_error}; tried {cancellation.tries} times.",
        stake=_total(order),
    )


def tell_crashing(key: IdempotencyKey) -> None:
    """Whoever works on its cancellation dies; no sweep takes it up any more."""
    cancellation = Cancellation.objects.select_related("order").get(pk=key.subject_id)
    order = cancellation.order
    cases.open_once(
        CRASHING,
        about=Subject("order", order.pk),
        title=f"The cancellation of {order.reference} is parked: its runners die",
        detail=f"{key.crashes} in a row; it came as far as {cancellation.recovery_point}.",
        stake=_total(order),
    )


def tell_unpaid(order: Order, *, reason: str) -> None:
    """Nothing pays for it any more: ask for a new hold, or agree with the shopper to cancel."""
    cases.open_once(
        UNPAID,
        about=Subject("order", order.pk),
        title=f"{order.reference} has to be paid for again",
        detail=reason,
        stake=_total(order),
    )


def tell_shipped_unpaid(order: Order, worth: Money) -> None:
    """Goods left the house on a hold that died before anything was taken; what they come to."""
    cases.open_once(
        SHIPPED_UNPAID,
        about=Subject("order", order.pk),
        title=f"{order.reference} was shipped, and its hold is gone",
        detail=f"Its payment is {order.payment.state}; nothing was taken.",
        stake=worth,
    )


def tell_taken_not_shipped(order: Order, *, shipped: Money, kept: Money) -> None:
    """It ended with a part, and money was taken for the rest as well."""
    cases.open_once(
        TAKEN_NOT_SHIPPED,
        about=Subject("order", order.pk),
        title=f"{order.reference} is over, and more was taken than was shipped",
        detail=f"{shipped} were shipped, {kept} more than that were taken and are still here.",
        stake=kept,
    )


def tell_not_followed(order: Order) -> None:
    """What became of its payment is known, and bringing the order in line with it fails."""
    cases.open_once(
        NOT_FOLLOWED,
        about=Subject("order", order.pk),
        title=f"{order.reference} does not follow what became of its payment",
        detail=f"It is {order.state}; the log tells what fails. Every sweep tries it again.",
        stake=_total(order),
    )


def is_paid(order: Order) -> None:
    """It waits for no money any more."""
    cases.resolve(UNPAID, order.pk, by="system:cancellation")


def is_over(cancellation: Cancellation) -> None:
    """The order is canceled: whatever case was open about that ends with it."""
    for kind in (NOT_UNDONE, CRASHING, UNPAID):
        cases.resolve(kind, cancellation.order_id, by="system:cancellation")


def _total(order: Order) -> Money:
    return Money(order.total_amount, order.currency)
