"""The shopper pressed Pay: claim the key, walk the story, give the answer.

One function is the whole of it. A first request, a repeat, a repeat after a crash and two
at once come through here; what tells them apart is the key's row.
"""

import operator
import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, OperationalError

from foundation import clock, idempotency
from foundation.claiming import begin_surely
from foundation.errors import StoreUnavailable
from foundation.idempotency import Answer, Claim, InProgress, Lease, Overtaken, from_now
from foundation.idempotency_header import fingerprint as fingerprint_of
from foundation.ids import new_id
from foundation.models import IdempotencyKey, client_scope
from foundation.saga import FORWARD, is_over
from foundation.state_machine import IllegalTransition
from foundation.transactions import CommitInDoubt, durable
from orders import pricing
from orders.checkout import endings
from orders.checkout.saga import CHECKOUT
from orders.models import Checkout
from orders.refusals import (
    CartAlreadyOrdered,
    CartTaken,
    CheckoutCanceled,
    CheckoutExpired,
    CheckoutInProgress,
)
from orders.serializers.checkout_request import CheckoutIntent

ROUTE: Final = "/v1/checkouts"
KIND: Final = "checkout"
_ONE_PER_CART: Final = "one_live_checkout_per_cart"


@dataclass(frozen=True)
class Purchase:
    """A wish to buy, with what the request itself says about who sends it."""

    intent: CheckoutIntent
    body: Any
    key: str
    client_id: uuid.UUID
    ip: str | None
    user_agent: str
    referrer: str
    request_id: str

    @property
    def scope(self) -> str:
        """Another client's same key is another request."""
        return client_scope(self.client_id, "POST", ROUTE)


@dataclass(frozen=True)
class Reply:
    """What to send, and whether it was sent before."""

    answer: Answer
    is_replay: bool = False


def pay(purchase: Purchase) -> Reply:
    """Buy, once, however often this is called with one key.

    Raises `KeyReused`, `InProgress`, `InvalidInput`, `CheckoutInProgress`,
    `CartAlreadyOrdered`; refusals of the purchase itself are answers, stored and replayed.
    """
    try:
        claim, checkout, outgoing = _begin_surely(purchase)
    except InProgress as running:
        return Reply(_state_for_now(running))
    except CartTaken as taken:
        raise _told_of_the_other(purchase) from taken
    except IntegrityError as error:
        raise _cart_conflict(error, purchase) from error
    if claim.answer is not None:
        return Reply(claim.answer, is_replay=True)
    try:
        return Reply(_walk(checkout, lease_of(claim.row), outgoing))
    except (Overtaken, IllegalTransition) as overtaken:
        raise InProgress from overtaken
    except OperationalError as error:
        # The processor may have been asked already: the row says so, and the sweep finishes it.
        raise StoreUnavailable(
            "The outcome is not known yet; repeat with the same key.",
            headers={"Retry-After": "5"},
            charge_state="unknown",
        ) from error


def _walk(checkout: Checkout, lease: Lease, outgoing: Any) -> Answer:
    """To a stop, and the answer it gives. A COMMIT in doubt is read again, never guessed."""
    try:
        CHECKOUT.carry_on(checkout, lease, outgoing)
    except CommitInDoubt:
        return _what_is_true(lease)
    assert checkout.answer is not None  # noqa: S101 - every stop of the saga answers
    return checkout.answer


def _what_is_true(lease: Lease) -> Answer:
    """The stored answer, or where the rows now stand, and on from there: the lease is ours."""
    with durable():
        row = idempotency.locked(lease.key_id)  # waits for a commit that is still under way
    if row.lease_token != lease.token:
        raise Overtaken(f"key {row.pk}: token {lease.token} is stale")
    if row.state != IdempotencyKey.State.IN_PROGRESS:
        return idempotency.stored_answer(IdempotencyKey.objects.get(pk=row.pk))
    checkout = Checkout.objects.select_related("payment").get(pk=row.subject_id)
    if not row.is_paused:
        CHECKOUT.resume(checkout, lease)
    return checkout.answer or endings.in_flight(checkout)


def lease_of(row: IdempotencyKey) -> Lease:
    """The lease that was just won on this key."""
    return Lease(row.pk, row.lease_token, settings.CHECKOUT_LEASE_SECONDS)


Begun = tuple[Claim, Checkout, Any]


def _begin_surely(purchase: Purchase) -> Begun:
    checkout_id = new_id()
    return begin_surely(
        lambda begun: _begin(purchase, checkout_id, begun), claim_of=operator.itemgetter(0)
    )


def _begin(purchase: Purchase, checkout_id: uuid.UUID, begun: list[Begun]) -> Begun:
    """T1: the claim and everything up to the first call out, in one transaction."""
    with durable():
        claim = idempotency.claim(
            scope=purchase.scope,
            key=purchase.key,
            fingerprint=fingerprint_of(purchase.scope, purchase.body),
            lease_seconds=settings.CHECKOUT_LEASE_SECONDS,
            subject=(KIND, checkout_id),
        )
        begun.append(_on_claimed(purchase, claim, checkout_id))
    return begun[-1]


def _on_claimed(purchase: Purchase, claim: Claim, checkout_id: uuid.UUID) -> Begun:
    if claim.answer is not None:
        return claim, Checkout(), None
    checkout = _open(purchase, checkout_id) if claim.is_new else taken_over(claim.row.subject_id)
    return claim, checkout, CHECKOUT.advance(checkout, claim.row)


def taken_over(checkout_id: uuid.UUID) -> Checkout:
    """A checkout found where a dead run left it; given up or too old, it turns around."""
    checkout = Checkout.objects.select_related("payment").get(pk=checkout_id)
    checkout.note("taken over")
    if checkout.direction == FORWARD and checkout.canceled_by:
        checkout.turn_back(CheckoutCanceled("Given up by the client.", charge_state="not_charged"))
    if checkout.direction == FORWARD and is_over(checkout.forward_until):
        checkout.turn_back(
            CheckoutExpired("Not finished in time; nothing is held.", charge_state="not_charged")
        )
    return checkout


def _open(purchase: Purchase, checkout_id: uuid.UUID) -> Checkout:
    intent = purchase.intent
    lines = pricing.price(intent.lines, currency=intent.currency)
    plain = intent.as_json()
    return Checkout(
        id=checkout_id,
        client_id=purchase.client_id,
        cart_id=intent.cart_id,
        customer_reference=intent.customer.reference,
        email=intent.customer.email.lower(),
        ip=purchase.ip,
        user_agent=purchase.user_agent,
        payment_method=intent.payment_method,
        shipping_method=intent.shipping_method,
        shipping_address=plain["shipping_address"],
        billing_address=plain["billing_address"],
        lines=[line.as_json() for line in lines],
        expected_total=plain["expected_total"],
        attribution=plain["attribution"]
        | {"request_referrer": purchase.referrer, "dropped": plain["attribution_dropped"]},
        metadata=plain["metadata"],
        request_id=purchase.request_id,
        currency=intent.currency,
        started_at=clock.now(),
        forward_until=from_now(settings.FORWARD_SECONDS),
    )


def _state_for_now(running: InProgress) -> Answer:
    """Somebody is at work: 409. Nobody is, and the outcome is awaited: the checkout's state."""
    if running.row is None or not running.row.is_paused:
        raise running
    return endings.in_flight(Checkout.objects.get(pk=running.row.subject_id))


def _cart_conflict(error: IntegrityError, purchase: Purchase) -> Exception:
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    return _told_of_the_other(purchase) if constraint == _ONE_PER_CART else error


def _told_of_the_other(purchase: Purchase) -> Exception:
    winner = (
        Checkout.objects.filter(client_id=purchase.client_id, cart_id=purchase.intent.cart_id)
        .order_by("-id")
        .first()
    )
    if winner is not None and winner.state == "completed":
        return CartAlreadyOrdered(
            "See the order.", order=winner.order_reference, checkout=winner.reference
        )
    return CheckoutInProgress(
        "Another request is at work on this cart.",
        headers={"Retry-After": "2"},
        checkout=winner.reference if winner else None,
    )
