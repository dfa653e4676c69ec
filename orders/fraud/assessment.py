"""The words of fraud screening: what is judged, what was counted, what came out and why."""

import ipaddress
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from django.conf import settings

from foundation.money import Money, exponent

Outcome = Literal["accept", "review", "reject"]
Thresholds = tuple[int, int]

SEVERITY: Mapping[Outcome, int] = {"accept": 0, "review": 40, "reject": 100}
ANY_CURRENCY = "*"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One checkout as the rules see it. The e-mail address is compared in lower case."""

    client_id: UUID
    customer_reference: str
    email: str
    ip: str | None
    payment_method: str
    total: Money
    billing_country: str | None
    shipping_country: str
    started_at: datetime

    @property
    def public_ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The shopper's address; None when it is private: that is the shop's own server."""
        if self.ip is None:
            return None
        address = ipaddress.ip_address(self.ip)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return address if address.is_global else None


@dataclass(frozen=True, slots=True)
class Velocities:
    """How often the same customer, address or card was seen within the window, and declined."""

    customer: int = 0
    email: int = 0
    ip: int = 0
    card: int = 0
    fingerprints: tuple[str, ...] = ()
    customer_declines: int = 0
    email_declines: int = 0
    ip_declines: int = 0
    card_declines: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on an attempt is reviewed, and from where on it is rejected.

    `velocity` counts attempts, and under `..._declines` those of them that the bank refused.
    `amounts` are minor units of the currency that is the key. Under "*" stands the limit of every
    other currency, in major units (the currency's exponent scales it), which suits those of about
    a dollar's worth: list the others.
    """

    velocity: Mapping[str, Thresholds]
    amounts: Mapping[str, Thresholds]

    @classmethod
    def from_settings(cls) -> Self:
        """As configured: RISK_LIMITS and RISK_AMOUNT_LIMITS."""
        return cls(velocity=settings.RISK_LIMITS, amounts=settings.RISK_AMOUNT_LIMITS)

    def amount(self, currency: str) -> Thresholds:
        """The thresholds in minor units of this currency."""
        if currency in self.amounts:
            return self.amounts[currency]
        review, reject = self.amounts[ANY_CURRENCY]
        scale = 10 ** exponent(currency)
        return review * scale, reject * scale


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule's finding."""

    code: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is to be done, and everything that spoke for it. The worst reason decides."""

    outcome: Outcome
    score: int
    reasons: tuple[Reason, ...]

    @classmethod
    def of(cls, reasons: tuple[Reason, ...]) -> Self:
        """Sum up: the worst outcome, and a score of at most 100 to sort reviews by."""
        weights = [SEVERITY[reason.outcome] for reason in reasons]
        worst = max((reason.outcome for reason in reasons), key=SEVERITY.__getitem__, default=None)
        return cls(worst or "accept", min(100, sum(weights)), reasons)

    def as_json(self) -> dict[str, Any]:
        """For a jsonb column and for staff; never for the client."""
        return {
            "outcome": self.outcome,
            "score": self.score,
            "reasons": [asdict(reason) for reason in self.reasons],
        }
