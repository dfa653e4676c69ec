"""What staff decide about a checkout in review: once, on the record, and then carried out."""

import uuid
from typing import Final

from foundation import audit, clock, idempotency
from foundation.errors import DomainError
from foundation.models import IdempotencyKey
from foundation.transactions import durable
from orders.checkout import recovery
from orders.models import Checkout

APPROVED: Final = "approved"
REJECTED: Final = "rejected"


class NotInReview(DomainError):
    """It is not waiting for this decision: decided already, ended, or out of time."""

    code, status, title = (
        "checkout_not_in_review",
        409,
        "This checkout is not waiting for a decision",
    )


def decide(checkout_id: uuid.UUID, *, approved: bool, by: str, reason: str) -> Checkout:
    """Approve or reject a checkout in review; returns it as it stands afterwards.

    The decision and its audit entry commit together, and make the checkout due: should this
    process die here, the sweep carries the decision out. Raises `NotInReview`.
    """
    decision = APPROVED if approved else REJECTED
    with durable():
        _record(checkout_id, decision)
        audit.record(
            actor=by,
            action="checkout.approve" if approved else "checkout.reject",
            aggregate="checkout",
            aggregate_id=checkout_id,
            reason=reason,
            before={"state": "in_review", "review_decision": ""},
            after={"state": "in_review", "review_decision": decision},
        )
    recovery.resume(checkout_id)
    return Checkout.objects.select_related("payment").get(pk=checkout_id)


def _record(checkout_id: uuid.UUID, decision: str) -> None:
    """Decide by one guarded UPDATE, and make the checkout due.

    The checkout first: who comes second waits for its row, and never for the key's, which the
    first one needs to carry the decision out. The key is not waited for either, because its
    holder may be waiting for the checkout.
    """
    if why := _why_not(Checkout.objects.select_related("payment").get(pk=checkout_id), decision):
        raise NotInReview(why)
    waiting = Checkout.objects.filter(pk=checkout_id, state="in_review", review_decision="")
    if waiting.update(review_decision=decision) != 1:
        raise NotInReview("Somebody else decided at the same moment.")
    key = (
        IdempotencyKey.objects.select_for_update(no_key=True, skip_locked=True)
        .filter(subject_id=checkout_id, state=IdempotencyKey.State.IN_PROGRESS)
        .first()
    )
    if key is None:
        raise NotInReview("It is being worked on right now. Look again in a moment.")
    idempotency.postpone(key, seconds=0)


def _why_not(checkout: Checkout, decision: str) -> str:
    if checkout.review_decision:
        return f"It was {checkout.review_decision} already, and is {checkout.state}."
    if checkout.state != "in_review":
        return f"It is {checkout.state}."
    if checkout.forward_until <= clock.now():
        return "Its time for review is over; it is being undone."
    hold = "gone" if checkout.payment is None else checkout.payment.state
    if decision == APPROVED and hold != "authorized":
        return f"Its payment is {hold}: no order can stand on it. Reject it."
    return ""
