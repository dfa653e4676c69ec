"""Stripe's errors as the port's three. https://docs.stripe.com/error-low-level"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import stripe

from foundation.transactions import refuse_inside_transaction
from payments.processors import stripe_shapes
from payments.processors.base import Declined, OutcomeUnknown, ProcessorUnavailable
from payments.processors.stripe_http import NotSent

UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError)


@contextmanager
def translated() -> Iterator[None]:
    """Around everything that calls out: only `Declined` and its two siblings leave here."""
    refuse_inside_transaction()
    try:
        yield
    except NotSent as error:
        raise ProcessorUnavailable(str(error)) from error
    except (stripe.RateLimitError, stripe.AuthenticationError, stripe.PermissionError) as error:
        raise ProcessorUnavailable(type(error).__name__) from error
    except stripe.IdempotencyError as error:
        raise OutcomeUnknown("the processor knows this key with other parameters") from error
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        raise _refusal(error) from error
    except stripe.StripeError as error:
        raise OutcomeUnknown(f"http_{error.http_status or 'none'}") from error
    except UNREADABLE as error:
        raise OutcomeUnknown(f"unreadable answer: {type(error).__name__}") from error


@contextmanager
def asking() -> Iterator[None]:
    """Around a question: that it was refused says nothing about what it was about."""
    try:
        with translated():
            yield
    except Declined as refused:
        raise OutcomeUnknown(f"the look-up was refused: {refused.code}") from refused


def _refusal(error: stripe.StripeError) -> Exception:
    if error.http_status == 409:
        return OutcomeUnknown("the same key is in flight at the processor")
    body = error.json_body if isinstance(error.json_body, dict) else {}
    told = body.get("error", {})
    try:
        code = told.get("decline_code") or told.get("code") or told.get("type") or "refused"
        intent = told.get("payment_intent")
        return Declined(str(code), payment=stripe_shapes.payment(intent) if intent else None)
    except UNREADABLE as unreadable:
        return OutcomeUnknown(f"unreadable refusal: {type(unreadable).__name__}")
