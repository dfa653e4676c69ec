"""What the processor does while a flow runs: each outcome is one fault of the sandbox, once.

Two kinds need more than a fault. `slow_request` and `slow_answer` hold the call, not by waiting,
but by letting the rest of the world go past the lease meanwhile; `webhook_first` lets the
processor's event arrive before the answer does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Meanwhile = Literal["", "lease_ends", "webhook"]

# The requests that an operation of the sandbox stands for, as the probe sees them.
REQUESTS: Final[Mapping[str, re.Pattern[str]]] = {
    "create": re.compile(r"POST /v1/payment_intents$"),
    "confirm": re.compile(r"POST /v1/payment_intents/[^/]+/confirm$"),
    "capture": re.compile(r"POST /v1/payment_intents/[^/]+/capture$"),
    "cancel": re.compile(r"POST /v1/payment_intents/[^/]+/cancel$"),
    "refund": re.compile(r"POST /v1/refunds$"),
    "retrieve": re.compile(r"GET /v1/(payment_intents|refunds)/(?!search)[^/]+$"),
    "search": re.compile(r"GET /v1/payment_intents/search$"),
    "list": re.compile(r"GET /v1/(payment_intents|refunds)$"),
}
TIMED_OUT_SECONDS: Final = 0.25  # the client's patience where the sandbox is silent on purpose
_SILENT_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Outcome:
    """One way in which the processor behaves."""

    name: str
    fault: str = ""
    meanwhile: Meanwhile = ""
    pause: str = ""  # when, in the call, the world goes on: "before" the request or "after"

    @property
    def is_silent(self) -> bool:
        """The client must run into its time-out; so it is given a short one."""
        return self.fault.startswith("timeout")

    @property
    def seconds(self) -> float | None:
        """How long the sandbox keeps silent."""
        return _SILENT_SECONDS if self.is_silent else None

    @property
    def needs_the_call(self) -> bool:
        """Before the call nothing differs from `approve`: those points are not tried again."""
        return bool(self.meanwhile)


APPROVE: Final = Outcome("approve")
DECLINE: Final = Outcome("decline")
_UNCERTAIN: Final = (
    Outcome("timeout_before", "timeout_before"),
    Outcome("timeout_after", "timeout_after"),
    Outcome("500_before", "500_before"),
    Outcome("500_after", "500_after"),
    Outcome("malformed", "malformed"),
    Outcome("unavailable", "rate_limited"),
    Outcome("slow_request", meanwhile="lease_ends", pause="before"),
    Outcome("slow_answer", meanwhile="lease_ends", pause="after"),
)
WEBHOOK_FIRST: Final = Outcome("webhook_first", meanwhile="webhook", pause="after")
EFFECTS: Final = (APPROVE, DECLINE, *_UNCERTAIN, WEBHOOK_FIRST)
# A question has no effect: nothing can be declined, and no event is caused by it.
LOOK_UPS: Final = (APPROVE, *_UNCERTAIN)
QUIET: Final = (APPROVE,)
