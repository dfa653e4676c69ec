"""Every operation of the service, and the refusals that follow from its kind."""

from collections.abc import Iterator
from typing import Any, Final

from rest_framework.negotiation import DefaultContentNegotiation

from attribution import contract as attribution
from checkout_project.body_lengths import LengthRequired
from checkout_project.openapi import own
from checkout_project.problem_details import (
    NotAcceptable,
    ServerError,
    UnsupportedMediaType,
)
from events import contract as events
from foundation.edge.authentication import ScopeMissing, Unauthenticated
from foundation.edge.contract import JSON, Operation, Operations
from foundation.edge.http import PreconditionFailed
from foundation.edge.rate_limits import RateLimited
from foundation.edge.strict_json import BodyTooLarge, CardNumberRefused
from foundation.errors import (
    DomainError,
    InvalidInput,
    MalformedRequest,
    NotFound,
    StoreUnavailable,
)
from foundation.idempotency import InProgress, KeyReused
from foundation.idempotency_header import KeyInvalid, KeyMissing
from orders import contract as orders
from orders import refusals
from payments import contract as payments
from reconciliation import contract as reconciliation

OPERATIONS: Final[Operations] = {
    **orders.OPERATIONS,
    **payments.OPERATIONS,
    **attribution.OPERATIONS,
    **reconciliation.OPERATIONS,
    **events.OPERATIONS,
    **own.OPERATIONS,
}
Problem = type[DomainError]
# Whose payment it is, is known on a floor above payments (PAYMENT_OWNER).
_OF_THE_OWNER: Final = {
    "capture_payment": (refusals.PaymentInCheckout, refusals.OrderCanceling),
    "void_payment": (
        refusals.PaymentInCheckout,
        refusals.OrderCanceling,
        refusals.ShippedGoodsUnpaid,
    ),
}
_OF_KEYS: Final = (KeyMissing, KeyInvalid, KeyReused, InProgress)


def problems_of(view: Any, operation: Operation, *, path: str) -> list[Problem]:
    """Each refusal of the operation once, by status and code."""
    every = {*operation.problems, *_by_kind(view, operation), *_by_path(path)}
    every |= set(_OF_THE_OWNER.get(operation.id, ()))
    return sorted(every, key=lambda problem: (problem.status, problem.code))


def _by_kind(view: Any, operation: Operation) -> Iterator[Problem]:
    yield ServerError
    if view.authentication_classes:
        yield from (Unauthenticated, ScopeMissing, RateLimited, StoreUnavailable)
    if view.content_negotiation_class is DefaultContentNegotiation:
        yield NotAcceptable
    if operation.body is not None:
        yield from _of_body(view, operation)
    if operation.query or operation.is_paged:
        yield InvalidInput
    if operation.is_idempotent:
        yield from _OF_KEYS
    if operation.changes_one:
        yield PreconditionFailed


def _of_body(view: Any, operation: Operation) -> Iterator[Problem]:
    yield from (BodyTooLarge, LengthRequired, MalformedRequest)
    if view.authentication_classes:  # else the bytes are read as they come
        yield from (UnsupportedMediaType, InvalidInput)
        if operation.media_type == JSON:
            yield CardNumberRefused


def _by_path(path: str) -> Iterator[Problem]:
    if "{" in path:
        yield NotFound
