"""What captures, voids and refunds by a client have in common: claim, send, read the rows."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from foundation import actions
from foundation.actions import Action, Reply, Wish
from foundation.edge import problems
from foundation.errors import DomainError
from foundation.idempotency import Answer
from foundation.state_machine import IllegalTransition
from payments.models import Payment, Source
from payments.refusals import PaymentInProgress
from payments.services import resolve, steps


@dataclass(frozen=True)
class Caller:
    """Who asks, under which key and with which body; and of which payment.

    `expects` locks the payment, after its owner, and may refuse before anything is claimed.
    """

    wish: Wish
    actor: str
    payment: Payment
    expects: Callable[[], None] = lambda: None

    def of(self, operation_id: uuid.UUID) -> steps.Wish:
        """The same, as the verbs know it."""
        return steps.Wish(self.actor, Source.API, operation_id)


@dataclass(frozen=True)
class Verb:
    """One kind of action, by the id of its operation.

    `send(claimed, by=)` makes the call that was claimed in this run. `ask` finds out what became
    of one that may have been sent before; `push` sends one that never was. `outcome` reads rows
    and nothing else: the final answer, or None; `pending` is the 202 meanwhile.
    """

    kind: str
    send: Callable[..., None]
    ask: Callable[[uuid.UUID], None]
    push: Callable[[uuid.UUID], None]
    outcome: Callable[[uuid.UUID], Answer | None]
    pending: Callable[[uuid.UUID], Answer]

    def as_asked(self, claimed: dict[uuid.UUID, Any], *, by: str) -> Action:
        """For the client's own request: what is not known is found out now, if it can be."""

        def finish(operation_id: uuid.UUID) -> Answer | None:
            fresh = claimed.pop(operation_id, None)
            if fresh is None:
                self.ask(operation_id)
            else:
                _send(self.send, fresh, by=by)
            return self.outcome(operation_id)

        return Action(self.kind, finish, self._for_now)

    def as_swept(self) -> Action:
        """For the sweep: outcomes in doubt are the resolver's, at its own pace."""

        def finish(operation_id: uuid.UUID) -> Answer | None:
            self.push(operation_id)
            return self.outcome(operation_id)

        return Action(self.kind, finish, self._for_now)

    def _for_now(self, operation_id: uuid.UUID) -> Answer:
        return self.outcome(operation_id) or self.pending(operation_id)


def perform(verb: Verb, caller: Caller, *, begin: Callable[[uuid.UUID], Any]) -> Reply:
    """Do it once. `begin(operation_id)` claims inside T1, and returns what `verb.send` takes.

    A payment whose outcome is in doubt is asked about first, once, instead of being refused.
    """
    claimed: dict[uuid.UUID, Any] = {}

    def claim(operation_id: uuid.UUID) -> None:
        claimed[operation_id] = begin(operation_id)

    action = verb.as_asked(claimed, by=caller.actor)
    try:
        return actions.perform(action, caller.wish, begin=claim)
    except PaymentInProgress:
        if not resolve.try_now(caller.payment.pk):
            raise
        return actions.perform(action, caller.wish, begin=claim)


def _send(send: Callable[..., None], fresh: Any, *, by: str) -> None:
    try:
        send(fresh, by=by)
    except IllegalTransition:
        return  # the sweep, or the processor's own news, was faster: the rows say what it is


def nothing(operation_id: uuid.UUID) -> None:
    """What was claimed is in doubt until it is asked about; there is nothing to send."""


def payment_of(operation_id: uuid.UUID) -> Payment | None:
    """The payment whose last claim was this capture or void."""
    return Payment.objects.filter(claimed_id=operation_id).first()


def url(payment: Payment) -> str:
    """Where a payment is."""
    return f"/v1/payments/{payment.reference}"


def final(status: int, body: dict[str, Any], location: str) -> Answer:
    """The answer that is stored."""
    headers = {"Content-Type": "application/json", "Location": location}
    return Answer(status, orjson.dumps(body), headers)


def for_now(body: dict[str, Any], location: str) -> Answer:
    """202: it is being found out; the same key, or the URL, tells the rest."""
    headers = {"Content-Type": "application/json", "Location": location, "Retry-After": "2"}
    return Answer(202, orjson.dumps(body), headers)


def refusal(error: DomainError, payment: Payment) -> Answer:
    """A problem about a payment, as it is stored."""
    return problems.answer(error, instance=url(payment))
