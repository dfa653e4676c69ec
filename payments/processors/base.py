"""The port: what we ask of a payment processor, and the three ways it can go wrong.

Every adapter maps everything its vendor can answer to a `ProcessorPayment` or to one of
three errors. There is no fourth: an answer that is none of these is an `OutcomeUnknown`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Status = Literal["requires_action", "authorized", "captured", "canceled", "declined", "pending"]


class Declined(Exception):
    """A final no. Nothing is held; the same attempt will never succeed."""

    def __init__(self, code: str, *, payment: "ProcessorPayment | None" = None) -> None:
        super().__init__(code)
        self.code = code
        self.payment = payment


class ProcessorUnavailable(Exception):
    """Nothing happened: the request cannot have reached the processor, or it said "not now"."""


class OutcomeUnknown(Exception):
    """It may have happened. Ask by our reference before anything is sent again."""


@dataclass(frozen=True)
class Card:
    """What may be known of a card: never its number."""

    brand: str = ""
    last4: str = ""
    country: str = ""
    fingerprint: str = ""


@dataclass(frozen=True)
class ProcessorPayment:
    """A payment as the processor sees it now. Amounts in integer minor units."""

    processor_reference: str
    status: Status
    amount: int
    currency: str
    captured_amount: int = 0
    refunded_amount: int = 0
    capture_before: dt.datetime | None = None
    card: Card = field(default_factory=Card)
    decline_code: str = ""
    next_action: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ProcessorEvent:
    """A signed message from the processor: its id, its type, the payment it speaks of."""

    external_id: str
    type: str
    processor_reference: str
    reference: str


class Processor(Protocol):
    """What an adapter must offer. `key` is ours, derived; `reference` is what `find` asks by."""

    def authorize(
        self,
        *,
        reference: str,
        amount: int,
        currency: str,
        payment_method: str,
        key: str,
        metadata: Mapping[str, str],
    ) -> ProcessorPayment: ...

    def capture(
        self, *, processor_reference: str, amount: int, key: str, final: bool = True
    ) -> ProcessorPayment: ...

    def void(self, *, processor_reference: str, key: str) -> ProcessorPayment: ...

    def refund(self, *, processor_reference: str, amount: int, key: str) -> str: ...

    def find(
        self, *, reference: str, processor_reference: str, since: dt.datetime
    ) -> ProcessorPayment | None: ...

    def list_transactions(
        self, *, since: dt.datetime, until: dt.datetime
    ) -> Sequence[Mapping[str, Any]]: ...

    def parse_event(self, *, body: bytes, signature: str) -> ProcessorEvent: ...
