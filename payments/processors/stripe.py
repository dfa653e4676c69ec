"""The adapter to Stripe: PaymentIntents with manual capture, on Stripe's own SDK.

The same code talks to Stripe and to the sandbox; only settings differ. Everything the SDK
can raise becomes one of the port's three errors (`stripe_errors`), every object one of the
port's shapes (`stripe_shapes`).
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import stripe
from django.conf import settings

from foundation import clock
from payments.processors import stripe_events, stripe_shapes
from payments.processors.base import (
    Declined,
    OutcomeUnknown,
    ProcessorDispute,
    ProcessorEvent,
    ProcessorPayment,
    ProcessorRefund,
    ProcessorTransaction,
    ProcessorUnavailable,
)
from payments.processors.stripe_errors import asking, translated
from payments.processors.stripe_http import BoundedClient
from payments.processors.stripe_lists import events_since, pages, transactions

_CHARGE: Final = "latest_charge"
_FEES: Final = "latest_charge.balance_transaction"
# The SDK imports the class of each object when the first one comes in: a tenth of a second of a
# shopper's time in every new process, unless they are here already.
_ANSWERS: Final = (
    stripe.PaymentIntent, stripe.PaymentMethod, stripe.Charge, stripe.Refund, stripe.Dispute,
    stripe.BalanceTransaction, stripe.Payout, stripe.Event,
)  # fmt: skip
_REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer")


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

    def authorize(  # noqa: PLR0913 what a payment is made of
        self,
        *,
        reference: str,
        amount: int,
        currency: str,
        payment_method: str,
        key: str,
        metadata: Mapping[str, str],
        off_session: bool = False,
    ) -> ProcessorPayment:
        """Hold `amount`. Raises `Declined`, `ProcessorUnavailable` or `OutcomeUnknown`."""
        with translated():
            return self._post(
                "/v1/payment_intents",
                key,
                # The books come with the capture; there are none yet, so none are asked for.
                expand=_CHARGE,
                amount=amount,
                currency=currency.lower(),
                payment_method=payment_method,
                automatic_payment_methods={"enabled": True, "allow_redirects": "never"},
                capture_method="manual",
                confirm=True,
                metadata={**metadata, "payment": reference},
                **_wishes(off_session=off_session),
            )

    def capture(
        self, *, processor_reference: str, amount: int, key: str, final: bool = True
    ) -> ProcessorPayment:
        """Take `amount` of the hold; `final` lets go of the rest."""
        with translated():
            path = f"/v1/payment_intents/{processor_reference}/capture"
            return self._post(
                path, key, expand=_FEES, amount_to_capture=amount, final_capture=final
            )

    def void(self, *, processor_reference: str, key: str) -> ProcessorPayment:
        """Release the hold. One that is gone already is `Declined`, with what became of it.

        Some of it captured, and the cancellation refused: then a last capture of nothing lets
        the rest go (https://docs.stripe.com/payments/multicapture, release uncaptured funds).
        """
        path = f"/v1/payment_intents/{processor_reference}"
        try:
            with translated():
                return self._post(f"{path}/cancel", key, expand=_FEES)
        except Declined as refused:
            seen = refused.payment
            if seen is None or seen.status != "authorized" or not seen.captured_amount:
                raise
        return self.capture(
            processor_reference=processor_reference, amount=0, key=f"{key}-rest", final=True
        )

    def refund(
        self, *, processor_reference: str, amount: int, key: str, reference: str, reason: str = ""
    ) -> ProcessorRefund:
        """Give captured money back. A `reason` that Stripe has no word for is not sent."""
        told = {"reason": reason} if reason in _REASONS else {}
        with translated():
            response = self._client.raw_request(
                "post",
                "/v1/refunds",
                idempotency_key=key,
                payment_intent=processor_reference,
                amount=amount,
                metadata={"refund": reference},
                **told,
            )
            return stripe_shapes.refund(response.data)

    def find(
        self, *, reference: str, processor_reference: str, since: dt.datetime
    ) -> ProcessorPayment | None:
        """The payment as the processor sees it now, or None when it shows none of ours.

        By its id when we know it; else by our reference, first in the search index (which
        lags by up to a minute: https://docs.stripe.com/search#data-freshness), then in the
        list since just before the attempt (which does not). At most
        1 + `STRIPE_LIST_PAGES_MAX` requests: the lease must outlive them all.
        """
        if processor_reference:
            return self._retrieve(processor_reference)
        with asking():
            found = self._search(reference) or self._in_list(reference, since)
            return stripe_shapes.payment(found) if found else None

    def find_refund(self, *, processor_reference: str, reference: str) -> ProcessorRefund | None:
        """Our refund `reference` of the payment; a live one before a dead one."""
        refunds = self.list_refunds(processor_reference=processor_reference)
        ours = [refund for refund in refunds if refund.reference == reference]
        live = [refund for refund in ours if refund.status not in ("failed", "canceled")]
        return next(iter([*live, *ours]), None)

    def list_refunds(self, *, processor_reference: str) -> Sequence[ProcessorRefund]:
        """Every refund of the payment, newest first; what a hold let go is none."""
        with asking():
            return [stripe_shapes.refund(doc) for doc in self._refunds(processor_reference)[0]]

    def list_disputes(self, *, processor_reference: str) -> Sequence[ProcessorDispute]:
        """Every dispute of the payment, newest first."""
        with asking():
            found = pages(self._client, "/v1/disputes", payment_intent=processor_reference)
            return [stripe_shapes.dispute(doc) for doc in found]

    def list_events(self, *, since: dt.datetime, types: Sequence[str]) -> Iterator[ProcessorEvent]:
        """What happened since then, oldest first. Stripe keeps 30 days.

        Each page is asked for when it is needed, outside of any transaction.
        """
        return events_since(self._client, since=since, types=types)

    def list_transactions(
        self, *, since: dt.datetime, until: dt.datetime, after: str = ""
    ) -> Iterator[ProcessorTransaction]:
        """The balance transactions created in [since, until), newest first.

        With what they are about, so that each knows its payment. Each page is asked for when it
        is needed, outside of any transaction.
        """
        created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        return transactions(self._client, after=after, created=created)

    def list_payout_lines(
        self, *, payout_id: str, after: str = ""
    ) -> Iterator[ProcessorTransaction]:
        """The balance transactions of a payout (https://docs.stripe.com/payouts/reconciliation).

        Only of an automatic one; of another there is nothing to list.
        """
        told = transactions(self._client, after=after, payout=payout_id)
        return (replace(line, payout_id=payout_id) for line in told)

    def parse_event(self, *, body: bytes, signature: str) -> ProcessorEvent:
        """Verify the signature over the raw bytes, then read. Raises `ValueError` on any doubt."""
        return stripe_events.parse(body=body, signature=signature)

    def _post(self, path: str, key: str, *, expand: str, **params: Any) -> ProcessorPayment:
        """A call for a PaymentIntent, through the SDK's transport and its errors.

        Raw, because the SDK's typed objects cost a millisecond a call, only to be read once.
        """
        response = self._client.raw_request(
            "post", path, idempotency_key=key, expand=[expand], **params
        )
        return stripe_shapes.payment(response.data)

    def _retrieve(self, processor_reference: str) -> ProcessorPayment:
        path = f"/v1/payment_intents/{processor_reference}"
        with asking():
            intent = self._client.raw_request("get", path, expand=[_FEES]).data
            seen = stripe_shapes.payment(intent)
        if seen.captured_amount and seen.fee_amount is None:
            return replace(seen, fee_amount=self._fee_of(intent))
        return seen

    def _fee_of(self, intent: Mapping[str, Any]) -> int | None:
        """The fee of a hold that was captured in part or in several, which is in several lines.

        One more question; that it has no answer now is no reason to know nothing.
        """
        try:
            with asking():
                return stripe_shapes.fee_of(self._lines_of(intent), intent=intent)
        except (OutcomeUnknown, ProcessorUnavailable):
            return None

    def _lines_of(self, intent: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        charge = intent[_CHARGE]
        whole = charge.get("balance_transaction")
        if whole is None:
            return []
        if not stripe_shapes.payment(intent).multicapture:
            releases = self._refunds(intent["id"])[1]
            return [whole, *(release["balance_transaction"] or {} for release in releases)]
        found = pages(self._client, "/v1/balance_transactions", source=charge["id"])
        return [line for line in found if line["type"] == "charge"]

    def _refunds(
        self, processor_reference: str
    ) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
        """The payment's refunds, and apart from them what its hold let go."""
        found = pages(
            self._client,
            "/v1/refunds",
            payment_intent=processor_reference,
            expand=["data.charge", "data.balance_transaction"],
        )
        releases = [doc for doc in found if stripe_shapes.is_release(doc)]
        return [doc for doc in found if doc not in releases], releases

    def _search(self, reference: str) -> dict[str, Any] | None:
        query = f"metadata['payment']:'{reference}'"
        found = self._client.v1.payment_intents.search(
            {"query": query, "limit": 10, "expand": [f"data.{_FEES}"]}
        )
        return _pick([intent.to_dict() for intent in found.data], reference)

    def _in_list(self, reference: str, since: dt.datetime) -> dict[str, Any] | None:
        begin = int(since.timestamp()) - 60
        lag = settings.PROCESSOR_LOOKUP_LAG_SECONDS
        page = self._client.v1.payment_intents.list(
            {
                "created": {"gte": begin, "lte": int(since.timestamp() + lag) + 60},
                "limit": 100,
                "expand": [f"data.{_FEES}"],
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


def _wishes(*, off_session: bool) -> dict[str, Any]:
    """What a hold may be asked for besides: several captures, and that nobody is there to ask."""
    wishes: dict[str, Any] = {}
    if settings.STRIPE_REQUEST_MULTICAPTURE:
        wishes["payment_method_options"] = {"card": {"request_multicapture": "if_available"}}
    if off_session:
        wishes["off_session"] = True
    return wishes


def _pick(intents: list[dict[str, Any]], reference: str) -> dict[str, Any] | None:
    """Ours among what was found; a live one before a dead one."""
    ours = [i for i in intents if i.get("metadata", {}).get("payment") == reference]
    live = [i for i in ours if i["status"] not in ("canceled", "requires_payment_method")]
    return next(iter([*live, *ours]), None)
