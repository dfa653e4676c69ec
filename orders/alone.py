"""What staff gave back or let go of a payment without a second person: many small sums are a large
one, so they count together for the life of the payment.
"""

from typing import Final

from django.db.models import Sum

from foundation import approvals
from foundation.errors import DomainError
from foundation.models import Approval
from foundation.money import Money
from orders.models import Order
from payments.models import Payment, PaymentTransaction, Refund, Source

_RELEASES: Final = ("payment.void", "order.cancel", "order.complete")
_CARRIED_OUT: Final = ("approved", "done")


class SecondPersonNeeded(DomainError):
    """With what was given up of it before, this is more than one person may."""

    code, status, title = "approval_needed", 409, "This takes a second person"


def with_earlier(payment: Payment, stake: Money) -> Money:
    """What it comes to together with what was given up before."""
    return stake + given_up(payment)


def left(payment: Payment) -> Money:
    """What one person may still give back of it alone."""
    most = approvals.alone_max(payment.currency) - given_up(payment).amount
    return Money(max(0, most), payment.currency)


def refuse_if_large(payment: Payment, amount: int) -> None:
    """Under the payment's row lock, so that two small ones at once are counted one by one.

    `amount` in minor units. Raises `SecondPersonNeeded`.
    """
    together = with_earlier(payment, Money(amount, payment.currency))
    if approvals.takes_two(together):
        raise SecondPersonNeeded(f"{together} were given up of it, with this, by one person alone.")


def given_up(payment: Payment) -> Money:
    """Refunds and releases by staff that nobody approved; what failed came back, and is none."""
    approved = _approved(payment)
    total = _refunded(payment, approved)
    if not any(row.verb in _RELEASES for row in approved):
        total += _released(payment)
    return Money(total, payment.currency)


def _approved(payment: Payment) -> list[Approval]:
    orders = Order.objects.filter(payment=payment).values_list("pk", flat=True)
    about = [payment.pk, *orders]
    return list(Approval.objects.filter(aggregate_id__in=about, state__in=_CARRIED_OUT))


def _refunded(payment: Payment, approved: list[Approval]) -> int:
    made = Refund.objects.filter(payment=payment, source=Source.STAFF).exclude(state="failed")
    alone = made.exclude(pk__in=[approvals.operation_id(row) for row in approved])
    return alone.aggregate(amount=Sum("amount"))["amount"] or 0


def _released(payment: Payment) -> int:
    voids = PaymentTransaction.objects.filter(
        payment=payment, kind=PaymentTransaction.Kind.VOID, succeeded=True, source=Source.STAFF
    )
    return voids.aggregate(amount=Sum("amount"))["amount"] or 0
