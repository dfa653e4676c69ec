"""Giving back the money of an order: of its payment, and of whatever took that one's place."""

import uuid
from collections.abc import Iterator

from payments.models import Payment, Source
from payments.services import cancel
from payments.services.cancel import cancel_payment

Release = cancel.Cancellation


def release(payment_id: uuid.UUID, *, by: str, reason: str, source: Source) -> Release:
    """Release or refund every payment of the order, the newest last; can be repeated at will.

    Calls out: no transaction may be open. What is told is how the newest stands, or the first
    one that is not settled.
    """
    told = None
    for each in _chain(payment_id):
        told = cancel_payment(each, by=by, reason=reason, source=source)
        if told.progress != "settled":
            return told
    assert told is not None  # noqa: S101 - a chain has one link at least
    return told


def _chain(payment_id: uuid.UUID) -> Iterator[uuid.UUID]:
    """The payment, then the hold that was asked for in its place, and so on."""
    following: uuid.UUID | None = payment_id
    while following is not None:
        yield following
        made = Payment.objects.filter(replaces_id=following).values_list("pk", flat=True)
        following = made.first()
