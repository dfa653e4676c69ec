"""What Stripe tells of its own accord: who signed it, how fresh it is, what it is about."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any, Final

import stripe
from django.conf import settings

from foundation import clock
from payments.processors.base import EventKind, ProcessorEvent
from payments.processors.stripe_shapes import id_of, whole

TOLERANCE_SECONDS: Final = 300
_KINDS: Final[dict[str, EventKind]] = {
    "payment_intent": "payment",
    "charge": "payment",
    "refund": "refund",
    "dispute": "dispute",
    "payout": "payout",
}
_ID = re.compile(r"[A-Za-z0-9_]{1,255}")
_TYPE = re.compile(r"[a-z0-9_.]{1,100}")
_CURRENCY = re.compile(r"[a-z]{3}")
_OURS = re.compile(r"[!-~]{1,255}")
_DOUBTS: Final = (
    stripe.SignatureVerificationError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    OSError,
    RecursionError,
)


def parse(*, body: bytes, signature: str) -> ProcessorEvent:
    """A genuine, fresh event of our mode. Raises `ValueError` on any doubt, nothing else."""
    try:
        _check_signature(body, signature)
        event = json.loads(body)
        if event["livemode"] is not _is_live():
            raise ValueError("the event is of another mode than our key")
        return read(event)
    except _DOUBTS as error:
        raise ValueError("not a genuine processor event") from error


def read(event: Mapping[str, Any]) -> ProcessorEvent:
    """An Event object in the port's words. Raises ValueError, KeyError or TypeError."""
    subject: Mapping[str, Any] = event["data"]["object"]
    kind = _KINDS.get(subject["object"], "other")
    return ProcessorEvent(
        external_id=_matching(_ID, event["id"]),
        type=_matching(_TYPE, event["type"]),
        processor_reference=_payment_of(subject),
        reference=_reference_of(subject, kind=kind),
        created_at=dt.datetime.fromtimestamp(event["created"], dt.UTC),
        kind=kind,
        object_id=_matching(_ID, subject["id"]) if subject.get("id") else "",
        amount=whole(subject["amount"]) if kind == "payout" else None,
        currency=_matching(_CURRENCY, subject["currency"]).upper() if kind == "payout" else "",
    )


def _payment_of(subject: Mapping[str, Any]) -> str:
    """The PaymentIntent an object is or belongs to, "" for none."""
    own = subject["object"] == "payment_intent"
    found = id_of(subject["id"] if own else subject.get("payment_intent"))
    return _matching(_ID, found) if found else ""


def _reference_of(subject: Mapping[str, Any], *, kind: EventKind) -> str:
    """Ours, as we wrote it on payment or refund; what we can not have written is not ours."""
    written = (subject.get("metadata") or {}).get(kind)
    ours = isinstance(written, str) and _OURS.fullmatch(written)
    return str(written) if ours else ""


def _check_signature(body: bytes, header: str) -> None:
    """By any of our secrets (two while one is rotated), and neither old nor from the future.

    https://docs.stripe.com/webhooks#verify-manually
    """
    at = _signed_at(header)
    if abs(clock.now().timestamp() - at) > TOLERANCE_SECONDS:
        raise ValueError("signed too long ago, or too far ahead")
    secrets = [part.strip() for part in settings.STRIPE_WEBHOOK_SECRET.split(",")]
    if not any(_verifies(body, header, secret=secret) for secret in secrets if secret):
        raise ValueError("signed by nobody we know")


def _verifies(body: bytes, header: str, *, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body.decode(), header, secret))
    except stripe.SignatureVerificationError:
        return False


def _signed_at(header: str) -> int:
    """The first `t=` of the header, which is the one that the signature covers."""
    times = [item.removeprefix("t=") for item in header.split(",") if item.startswith("t=")]
    return int(times[0]) if times else 0


def _is_live() -> bool:
    key: str = settings.STRIPE_SECRET_KEY
    return key.startswith(("sk_live_", "rk_live_"))


def _matching(pattern: re.Pattern[str], value: object) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError("an event that names things as nobody does")
    return value
