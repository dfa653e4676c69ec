"""Whoever a payment belongs to is asked before a client or a person captures or releases it.

The owner stands on a floor above, and is found by name (`PAYMENT_OWNER`, with the event routes).
What the system does by itself (compensation, cancellation, expiry) is the owner's own work, and
does not ask.
"""

import uuid
from collections.abc import Callable
from typing import Any, Final, Literal

from django.conf import settings
from django.utils.module_loading import import_string

from foundation.errors import DomainError
from foundation.transactions import durable

Deed = Literal["capture", "void"]
CAPTURE: Final[Deed] = "capture"
VOID: Final[Deed] = "void"


def ask(payment_id: uuid.UUID, deed: Deed) -> None:
    """Lock the owner's row in the caller's transaction, before the payment's row is locked.

    Raises the owner's refusal: a `DomainError` of status 409.
    """
    refuse_unless_free: Callable[..., Any] = import_string(settings.PAYMENT_OWNER)
    refuse_unless_free(payment_id, deed=deed)


def refusal(payment_id: uuid.UUID, deed: Deed) -> DomainError | None:
    """What the owner would say now. No transaction may be open."""
    try:
        with durable():
            ask(payment_id, deed)
    except DomainError as refused:
        return refused
    return None
