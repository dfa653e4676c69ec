"""The processor's own events, carried to our endpoint by hand: before an answer, or twice, or late.

The sandbox keeps every event it would send. `deliver` signs those of one payment as the sandbox
does and posts them; until the house has an endpoint for them, `why_not` says so and the outcome
`webhook_first` is skipped.
"""

from typing import Any, Final

import orjson
from django.conf import settings
from django.test import Client
from django.urls import Resolver404, resolve

from foundation import clock
from sandbox_processor.webhooks import sign
from tests.sandbox import Sandbox

PATH: Final = "/v1/processor-events/stripe"
_web: Final = Client(raise_request_exception=False)


def why_not() -> str:
    """Why no event can be delivered; '' when one can."""
    try:
        match = resolve(PATH)
    except Resolver404:
        return f"{PATH} is not built"
    known = getattr(match.func, "__name__", "") != "nothing_here"
    return "" if known else f"{PATH} is not built"


def deliver(sandbox: Sandbox, payment: str) -> list[int]:
    """Post every event about this payment (our reference), oldest first; what we answered."""
    found = [event for event in _events(sandbox) if _reference(event) == payment]
    return [_post(event) for event in reversed(found)]


def _events(sandbox: Sandbox) -> list[dict[str, Any]]:
    headers = {"Authorization": "Bearer sk_test_sandbox"}
    page = sandbox.http.get("/v1/events", params={"limit": 100}, headers=headers)
    found: list[dict[str, Any]] = page.json()["data"]
    return found


def _reference(event: dict[str, Any]) -> str:
    return str((event["data"]["object"].get("metadata") or {}).get("payment", ""))


def _post(event: dict[str, Any]) -> int:
    body = orjson.dumps(event)
    now = int(clock.now().timestamp())  # our clock, and with it the tolerance, may be moved
    signature = sign(body, secret=settings.STRIPE_WEBHOOK_SECRET, at=now)
    reply = _web.post(PATH, body, "application/json", headers={"Stripe-Signature": signature})
    return reply.status_code
