"""The port: what we ask of a payment processor, and the three ways it can go wrong.

Every adapter maps everything its vendor can answer to one of the shapes below or to one of
three errors. There is no fourth: an answer that is none of these is an `OutcomeUnknown`.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Status = Literal["requires_action", "authorized", "captured", "canceled", "declined", "pending"]
RefundStatus = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
DisputeStatus = Literal[
    "needs_response",
    "under_review",
    "won",
    "lost",
    "prevented",
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
]
EventKind = Literal["payment", "refund", "dispute", "payout", "other"]


class Declined(Exception):
    """A final no. Nothing came of it; the same attempt will never succeed."""

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
    """A payment as the processor sees it now. Amounts in integer minor units.

    `captured_amount + released_amount + capturable_amount` is what was authorized. While the
    hold of a multicapture payment lasts, it is `authorized` and may have captured some.
    `fee_amount` is what the processor kept for the captures; None while it is not known.
    `is_expired`: of a canceled one, whether the processor let its hold run out (True) or somebody
    canceled it (False); None when it does not say.
    """

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
    capturable_amount: int = 0
    released_amount: int = 0
    fee_amount: int | None = None
    multicapture: bool = False
    network: str = ""
    disputed: bool = False
    is_expired: bool | None = None


@dataclass(frozen=True)
class ProcessorRefund:
    """A refund as the processor sees it now. `succeeded` is no end: it may still become `failed`.

    `reference` is our `rfd_` id, or "" for a refund that somebody made at the processor.
    """

    processor_reference: str
    reference: str
    payment_reference: str
    amount: int
    currency: str
    status: RefundStatus
    failure_code: str = ""


@dataclass(frozen=True)
class ProcessorDispute:
    """A cardholder's objection. An inquiry moves no money; any other took `amount` at opening.

    `fees` is what the dispute itself has cost so far, in minor units of each currency: the
    account's own, which need not be that of `amount`. Empty while no fee is booked.
    """

    processor_reference: str
    payment_reference: str
    amount: int
    currency: str
    reason: str
    status: DisputeStatus
    is_inquiry: bool = False
    evidence_due_by: dt.datetime | None = None
    fees: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ProcessorEvent:
    """A message from the processor: what happened, and to what. A hint to ask, never the truth.

    `processor_reference` is the payment's ("" when it speaks of none), `reference` ours of the
    payment or refund ("" when there is none), `object_id` the id of what the event is about.
    `amount` and `currency` are those of a payout.
    """

    external_id: str
    type: str
    processor_reference: str
    reference: str
    created_at: dt.datetime
    kind: EventKind
    object_id: str
    amount: int | None = None
    currency: str = ""


@dataclass(frozen=True)
class ProcessorTransaction:
    """A line of the processor's books: one movement of our balance, in minor units.

    `category` is the processor's own word. `processor_reference` is the payment's, `reference`
    ours of it; either is "" where the line does not carry it. `raw` is the line as it came,
    without what it points at.
    """

    external_id: str
    category: str
    currency: str
    gross: int
    fee: int
    net: int
    created_at: dt.datetime
    available_on: dt.datetime | None
    source_id: str
    processor_reference: str
    reference: str
    payout_id: str
    raw: Mapping[str, Any]


class Processor(Protocol):
    """What an adapter must offer. `key` is ours, derived; `reference` is what `find` asks by.

    Every call out raises only `Declined`, `ProcessorUnavailable` or `OutcomeUnknown`. A
    question (`find`, `find_refund`, `list_*`) never raises `Declined`.
    """

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
        """Hold `amount`. With `off_session` nobody is there: a challenge is a decline."""
        ...

    def capture(
        self, *, processor_reference: str, amount: int, key: str, final: bool = True
    ) -> ProcessorPayment:
        """Take `amount` of the hold; `final` lets go of the rest.

        `final=False` is for a payment with `multicapture`; for any other it is `Declined`.
        """
        ...

    def void(self, *, processor_reference: str, key: str) -> ProcessorPayment:
        """Release the hold, or what is left of it when some of it was captured."""
        ...

    def refund(
        self, *, processor_reference: str, amount: int, key: str, reference: str, reason: str = ""
    ) -> ProcessorRefund:
        """Give captured money back. `reference` is our `rfd_` id; `find_refund` asks by it.

        A refund may be `pending`, and may come back `failed`, which is no error.
        """
        ...

    def find(
        self, *, reference: str, processor_reference: str, since: dt.datetime
    ) -> ProcessorPayment | None:
        """The payment as the processor sees it now; None when it shows none of ours."""
        ...

    def find_refund(self, *, processor_reference: str, reference: str) -> ProcessorRefund | None:
        """Our refund `reference` of the payment, as it is now; None when there is none."""
        ...

    def list_refunds(self, *, processor_reference: str) -> Sequence[ProcessorRefund]:
        """Every refund of the payment, newest first."""
        ...

    def list_disputes(self, *, processor_reference: str) -> Sequence[ProcessorDispute]:
        """Every dispute of the payment, newest first."""
        ...

    def list_events(self, *, since: dt.datetime, types: Sequence[str]) -> Iterator[ProcessorEvent]:
        """What happened since then, oldest first; no `types` means all. Reads on as it is used."""
        ...

    def list_transactions(
        self, *, since: dt.datetime, until: dt.datetime, after: str = ""
    ) -> Iterator[ProcessorTransaction]:
        """The lines of the processor's books, created in [since, until), newest first.

        Reads on as it is used, to the end however long. `after`: only what follows this line in
        the list, to go on where a reading was cut short.
        """
        ...

    def list_payout_lines(
        self, *, payout_id: str, after: str = ""
    ) -> Iterator[ProcessorTransaction]:
        """What a payout paid out, and its own line, newest first, each with `payout_id`.

        Reads on like `list_transactions`. Nothing but its own line, where the processor does not
        say what went into it.
        """
        ...

    def parse_event(self, *, body: bytes, signature: str) -> ProcessorEvent:
        """A signed event. Raises `ValueError` for whatever is not genuine, fresh and ours."""
        ...
