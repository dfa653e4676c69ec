"""The adapter to Stripe: PaymentIntents with manual capture, on Stripe's own SDK.

The same code talks to Stripe and to the sandbox; only settings differ. Everything the SDK
can raise becomes one of the port's three errors (`_translated`).
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import stripe
from django.conf import settings

from foundation import clock
from foundation.transactions import refuse_inside_transaction
from payments.processors.base import (
    Card,
    Declined,
    OutcomeUnknown,
    ProcessorEvent,
    ProcessorPayment,
    ProcessorUnavailable,
    Status,
)
from payments.processors.stripe_http import BoundedClient, NotSent

_STATUS: Final[dict[str, Status]] = {
    "requires_capture": "authorized",
    "succeeded": "captured",
    "canceled": "canceled",
    "requires_action": "requires_action",
    "requires_payment_method": "declined",
    "requires_confirmation": "pending",
    "processing": "pending",
}
_EXPAND: Final = ["latest_charge"]


class StripeProcessor:
    """Implements `payments.processors.base.Processor`."""

    def __init__(self) -> None:
        self._client = stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            base_addresses={"api": settings.STRIPE_API_BASE},
            max_network_retries=0,  # a retry is ours to decide: it counts against the lease
            http_client=BoundedClient(
                connect_seconds=settings.STRIPE_CONNECT_SECONDS,
                read_seconds=settings.STRIPE_READ_SECONDS,
                pool_size=settings.STRIPE_POOL_SIZE,
            ),
        )

    def authorize(
        self,
        *,
        reference: str,
        amount: int,
        currency: str,
        payment_method: str,
        key: str,
        metadata: Mapping[str, str],
    ) -> ProcessorPayment:
        """Hold `amount`. Raises `Declined`, `ProcessorUnavailable` or `OutcomeUnknown`."""
        with _translated():
            return self._post(
                "/v1/payment_intents",
                key,
                amount=amount,
                currency=currency.lower(),
                payment_method=payment_method,
                automatic_payment_methods={"enabled": True, "allow_redirects": "never"},
                capture_method="manual",
                confirm=True,
                metadata={**metadata, "payment": reference},
            )

    def capture(
        self, *, processor_reference: str, amount: int, key: str, final: bool = True
    ) -> ProcessorPayment:
        """Take `amount` of the hold; `final` lets go of the rest."""
        with _translated():
            path = f"/v1/payment_intents/{processor_reference}/capture"
            return self._post(path, key, amount_to_capture=amount, final_capture=final)

    def void(self, *, processor_reference: str, key: str) -> ProcessorPayment:
        """Release the hold. A hold that is gone already is a success."""
        with _translated():
            return self._post(f"/v1/payment_intents/{processor_reference}/cancel", key)

    def refund(self, *, processor_reference: str, amount: int, key: str) -> str:
        """Give captured money back; returns the processor's refund id."""
        with _translated():
            refund = self._client.v1.refunds.create(
                {"payment_intent": processor_reference, "amount": amount}, {"idempotency_key": key}
            )
            return str(refund.id)

    def find(
        self, *, reference: str, processor_reference: str, since: dt.datetime
    ) -> ProcessorPayment | None:
        """The payment as the processor sees it now, or None when it shows none of ours.

        By its id when we know it; else by our reference, first in the search index (which
        lags by up to a minute: https://docs.stripe.com/search#data-freshness), then in the
        list since just before the attempt (which does not). At most
        1 + `STRIPE_LIST_PAGES_MAX` requests: the lease must outlive them all.
        """
        try:
            with _translated():
                if processor_reference:
                    intent = self._client.v1.payment_intents.retrieve(
                        processor_reference, {"expand": _EXPAND}
                    )
                    return _snapshot(intent.to_dict())
                found = self._search(reference) or self._in_list(reference, since)
                return _snapshot(found) if found else None
        except Declined as refused:
            # A question that is refused says nothing about the payment it was about.
            raise OutcomeUnknown(f"the look-up was refused: {refused.code}") from refused

    def list_transactions(
        self, *, since: dt.datetime, until: dt.datetime
    ) -> Sequence[Mapping[str, Any]]:
        """The processor's balance transactions created in [since, until)."""
        with _translated():
            begin, end = int(since.timestamp()), int(until.timestamp())
            page = self._client.v1.balance_transactions.list(
                {"created": {"gte": begin, "lt": end}, "limit": 100}
            )
            return [line.to_dict() for line in page.auto_paging_iter()]

    def parse_event(self, *, body: bytes, signature: str) -> ProcessorEvent:
        """Verify the signature over the raw bytes, then read. Raises `ValueError` on any doubt."""
        try:
            stripe.WebhookSignature.verify_header(
                body.decode(), signature, settings.STRIPE_WEBHOOK_SECRET, tolerance=300
            )
            event = json.loads(body)
            subject = event["data"]["object"]
            return ProcessorEvent(
                external_id=event["id"],
                type=event["type"],
                processor_reference=str(subject.get("payment_intent") or subject["id"]),
                reference=str((subject.get("metadata") or {}).get("payment", "")),
            )
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError) as error:
            raise ValueError("not a genuine processor event") from error

    def _post(self, path: str, key: str, **params: Any) -> ProcessorPayment:
        """A call for a PaymentIntent, through the SDK's transport and its errors.

        Raw, because the SDK's typed objects cost a millisecond a call, only to be read once.
        """
        response = self._client.raw_request(
            "post", path, idempotency_key=key, expand=_EXPAND, **params
        )
        return _snapshot(response.data)

    def _search(self, reference: str) -> dict[str, Any] | None:
        query = f"metadata['payment']:'{reference}'"
        found = self._client.v1.payment_intents.search(
            {"query": query, "limit": 10, "expand": ["data.latest_charge"]}
        )
        return _pick([intent.to_dict() for intent in found.data], reference)

    def _in_list(self, reference: str, since: dt.datetime) -> dict[str, Any] | None:
        begin = int(since.timestamp()) - 60
        lag = settings.PROCESSOR_LOOKUP_LAG_SECONDS
        page = self._client.v1.payment_intents.list(
            {
                "created": {"gte": begin, "lte": int(since.timestamp() + lag) + 60},
                "limit": 100,
                "expand": ["data.latest_charge"],
            }
        )
        for turned in range(settings.STRIPE_LIST_PAGES_MAX):
            found = _pick([intent.to_dict() for intent in page.data], reference)
            if found or not page.has_more:
                return found
            if turned + 1 < settings.STRIPE_LIST_PAGES_MAX:
                page = page.next_page()
        if clock.now() < since + dt.timedelta(seconds=lag):
            # More traffic than we may read is no proof that ours is not there.
            raise OutcomeUnknown("the list is longer than a look-up may read")
        return None  # the search index has caught up by now, and does not show it


def _pick(intents: list[dict[str, Any]], reference: str) -> dict[str, Any] | None:
    """Ours among what was found; a live one before a dead one."""
    ours = [i for i in intents if i.get("metadata", {}).get("payment") == reference]
    live = [i for i in ours if i["status"] not in ("canceled", "requires_payment_method")]
    return next(iter([*live, *ours]), None)


def _snapshot(intent: Mapping[str, Any]) -> ProcessorPayment:
    """A PaymentIntent in our words. A shape we do not know is an `OutcomeUnknown`."""
    charge = intent.get("latest_charge")
    charge = charge if isinstance(charge, Mapping) else {}
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    error = intent.get("last_payment_error") or {}
    return ProcessorPayment(
        processor_reference=intent["id"],
        status=_STATUS[intent["status"]],
        amount=intent["amount"],
        currency=intent["currency"].upper(),
        captured_amount=intent.get("amount_received") or 0,
        refunded_amount=charge.get("amount_refunded") or 0,
        capture_before=_moment(card.get("capture_before")),
        card=Card(
            brand=_text(card.get("brand")),
            last4=_text(card.get("last4")),
            country=_text(card.get("country")),
            fingerprint=_text(card.get("fingerprint")),
        ),
        decline_code=_text(error.get("decline_code") or error.get("code")),
        next_action=intent.get("next_action"),
    )


def _text(value: object) -> str:
    return "" if value is None else str(value).replace("\0", "")


def _moment(timestamp: int | None) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(timestamp, dt.UTC) if timestamp else None


@contextmanager
def _translated() -> Iterator[None]:
    """Stripe's errors as the port's three. https://docs.stripe.com/error-low-level"""
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
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OutcomeUnknown(f"unreadable answer: {type(error).__name__}") from error


def _refusal(error: stripe.StripeError) -> Exception:
    if error.http_status == 409:
        return OutcomeUnknown("the same key is in flight at the processor")
    body = error.json_body if isinstance(error.json_body, dict) else {}
    told = body.get("error", {})
    code = told.get("decline_code") or told.get("code") or told.get("type") or "refused"
    try:
        intent = told.get("payment_intent")
        return Declined(str(code), payment=_snapshot(intent) if intent else None)
    except (KeyError, TypeError, ValueError, AttributeError) as unreadable:
        return OutcomeUnknown(f"unreadable refusal: {type(unreadable).__name__}")
