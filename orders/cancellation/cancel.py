"""Somebody wants an order undone: claim the key and the order, walk the story, give the answer."""

import operator
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import OperationalError

from foundation import idempotency
from foundation.actions import Reply
from foundation.claiming import begin_surely
from foundation.errors import StoreUnavailable
from foundation.idempotency import SYSTEM_SCOPE, Claim, InProgress, Lease, Overtaken
from foundation.idempotency_header import fingerprint
from foundation.ids import new_id
from foundation.models import IdempotencyKey
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from orders.cancellation import endings
from orders.cancellation.saga import CANCELLATION
from orders.models import Cancellation
from payments.models import Source

KIND: Final = "cancellation"
Begun = tuple[Claim, Cancellation, Any]


@dataclass(frozen=True)
class CancelWish:
    """Who wants which order undone, why, and under which key of theirs.

    `expects` may refuse, before anything is claimed; it locks nothing but the order.
    """

    order_id: uuid.UUID
    actor: str
    source: Source
    reason: str
    scope: str
    key: str
    body: Any
    expects: Callable[[], None] = lambda: None


def for_the_house(order_id: uuid.UUID, *, actor: str, source: Source, reason: str) -> CancelWish:
    """The wish of a person at a desk, or of a policy: one key per order, of scope `system`."""
    return CancelWish(order_id, actor, source, reason, SYSTEM_SCOPE, f"cancel:{order_id}", {})


def cancel(wish: CancelWish) -> Reply:
    """Undo an order, once, however often this is called: 200 when done, 202 while it is not.

    Raises `OrderNotCancelable` and `CancellationInProgress` (nothing is stored with the key),
    `KeyReused` and `InProgress`.
    """
    try:
        claim, cancellation, outgoing = _begin_surely(wish)
    except InProgress as running:
        return Reply(_state_for_now(running))
    if claim.answer is not None:
        return Reply(claim.answer, is_replay=True)
    try:
        CANCELLATION.carry_on(cancellation, lease_of(claim.row), outgoing)
    except (Overtaken, IllegalTransition) as overtaken:
        raise InProgress from overtaken
    except OperationalError as error:
        # The order is claimed and the processor may have been asked: the sweep finishes it.
        raise StoreUnavailable(
            "The order is being canceled; repeat with the same key to hear the end.",
            headers={"Retry-After": "5"},
            charge_state="unknown",
        ) from error
    assert cancellation.answer is not None  # noqa: S101 - every stop of the saga answers
    return Reply(cancellation.answer)


def lease_of(row: IdempotencyKey) -> Lease:
    """The lease that was just won on this key."""
    return Lease(row.pk, row.lease_token, settings.CHECKOUT_LEASE_SECONDS)


def found(cancellation_id: uuid.UUID) -> Cancellation:
    """A cancellation where its last run left it, with what its steps look at."""
    return Cancellation.objects.select_related("order__payment").get(pk=cancellation_id)


def _begin_surely(wish: CancelWish) -> Begun:
    cancellation_id = new_id()
    return begin_surely(
        lambda begun: _begin(wish, cancellation_id, begun), claim_of=operator.itemgetter(0)
    )


def _begin(wish: CancelWish, cancellation_id: uuid.UUID, begun: list[Begun]) -> Begun:
    """T1: the claim of the key and of the order, in one transaction."""
    with durable():
        claim = idempotency.claim(
            scope=wish.scope,
            key=wish.key,
            fingerprint=fingerprint(wish.scope, wish.body),
            lease_seconds=settings.CHECKOUT_LEASE_SECONDS,
            subject=(KIND, cancellation_id),
        )
        begun.append(_on_claimed(wish, claim, cancellation_id))
    return begun[-1]


def _on_claimed(wish: CancelWish, claim: Claim, cancellation_id: uuid.UUID) -> Begun:
    if claim.answer is not None:
        return claim, Cancellation(), None
    if claim.is_new:
        wish.expects()
    memory = _open(wish, cancellation_id) if claim.is_new else found(claim.row.subject_id)
    return claim, memory, CANCELLATION.advance(memory, claim.row)


def _open(wish: CancelWish, cancellation_id: uuid.UUID) -> Cancellation:
    return Cancellation(
        id=cancellation_id,
        order_id=wish.order_id,
        actor=wish.actor[:120],
        source=wish.source,
        reason=wish.reason[:500],
    )


def _state_for_now(running: InProgress) -> idempotency.Answer:
    """Somebody is at work: 409. Nobody is, and the money is waited for: the order's state."""
    if running.row is None or not running.row.is_paused:
        raise running
    return endings.in_flight(found(running.row.subject_id))
