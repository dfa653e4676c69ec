"""Knows Stripe's test cards by their magic ids, and what each of them does."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from sandbox_processor.wire import Doc, no_such

PREFIX = "pm_card_"
PLAIN = {
    # name: brand, last four, funding, country
    "visa": ("visa", "4242", "credit", "US"),
    "visa_debit": ("visa", "5556", "debit", "US"),
    "mastercard": ("mastercard", "4444", "credit", "US"),
    "mastercard_debit": ("mastercard", "8210", "debit", "US"),
    "mastercard_prepaid": ("mastercard", "5100", "prepaid", "US"),
    "amex": ("amex", "8431", "credit", "US"),
    "discover": ("discover", "1117", "credit", "US"),
    "diners": ("diners", "3237", "credit", "US"),
    "jcb": ("jcb", "0505", "credit", "JP"),
    "unionpay": ("unionpay", "0005", "credit", "CN"),
    "riskLevelElevated": ("visa", "9235", "credit", "US"),
    "authenticationRequired": ("visa", "3184", "credit", "IE"),
    "threeDSecure2Required": ("visa", "3220", "credit", "IE"),
    "pendingRefund": ("visa", "7726", "credit", "US"),
    "refundFail": ("visa", "5126", "credit", "US"),
    "createDispute": ("visa", "0259", "credit", "US"),
    "createDisputeProductNotReceived": ("visa", "2685", "credit", "US"),
    "createDisputeInquiry": ("visa", "1976", "credit", "US"),
    "createMultipleDisputes": ("visa", "0079", "credit", "US"),
}
STANDS_FOR = {
    # name: the part that does the same to any card
    "pendingRefund": "refund_pending",
    "refundFail": "refund_fails_later",
    "createDispute": "dispute_fraudulent",
    "createDisputeProductNotReceived": "dispute_product_not_received",
    "createDisputeInquiry": "dispute_inquiry",
    "createMultipleDisputes": "dispute_twice",
}
DISPUTES = {
    # part: the reasons of the disputes that follow the first capture
    "dispute_fraudulent": ("fraudulent",),
    "dispute_product_not_received": ("product_not_received",),
    "dispute_inquiry": ("inquiry",),
    "dispute_twice": ("fraudulent", "product_not_received"),
}
DECLINED = {
    # name: error code, decline code, last four
    "chargeDeclined": ("card_declined", "generic_decline", "0002"),
    "chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds", "9995"),
    "chargeDeclinedLostCard": ("card_declined", "lost_card", "9987"),
    "chargeDeclinedStolenCard": ("card_declined", "stolen_card", "9979"),
    "chargeDeclinedExpiredCard": ("expired_card", None, "0069"),
    "chargeDeclinedIncorrectCvc": ("incorrect_cvc", None, "0127"),
    "chargeDeclinedProcessingError": ("processing_error", None, "0119"),
    "chargeDeclinedVelocityLimitExceeded": ("card_declined", "card_velocity_exceeded", "6975"),
    "radarBlock": ("card_declined", "fraudulent", "0019"),
}
AUTHENTICATION_REQUIRED = "authentication_required"
MESSAGES = {
    AUTHENTICATION_REQUIRED: "Your card was declined. This transaction requires authentication.",
    "card_declined": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}
CHALLENGED = ("authenticationRequired", "threeDSecure2Required")
COUNTRY = re.compile(r"[a-z]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A test card: how it looks and how it behaves."""

    id: str
    brand: str
    last4: str
    funding: str
    country: str
    code: str | None = None
    decline_code: str | None = None
    challenged: bool = False
    elevated_risk: bool = False
    multicapture: bool = False
    disputes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.id.encode()).hexdigest()[:16]

    def details(self) -> Doc:
        return {
            "brand": self.brand,
            "country": self.country,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": self.fingerprint,
            "funding": self.funding,
            "last4": self.last4,
        }


def parts_of(method: str) -> list[str]:
    """What a card's id says after its double underscores, and what its name stands for."""
    name, *parts = method.removeprefix(PREFIX).split("__")
    return [STANDS_FOR[name], *parts] if name in STANDS_FOR else parts


@lru_cache(maxsize=4096)
def card_of(method: str, *, param: str = "payment_method") -> Card:
    """The card behind a magic id, or Stripe's refusal of an unknown one."""
    name = method.removeprefix(PREFIX).split("__", 1)[0]
    if method.startswith(PREFIX):
        if name in PLAIN:
            return _plain(method, name)
        if name in DECLINED:
            code, decline_code, last4 = DECLINED[name]
            return Card(
                id=method,
                brand="visa",
                last4=last4,
                funding="credit",
                country="US",
                code=code,
                decline_code=decline_code,
            )
        if COUNTRY.fullmatch(name):
            return Card(
                id=method, brand="visa", last4="0000", funding="credit", country=name.upper()
            )
    raise no_such("PaymentMethod", method, param=param, status=400)


def _plain(method: str, name: str) -> Card:
    brand, last4, funding, country = PLAIN[name]
    parts = parts_of(method)
    return Card(
        id=method,
        brand=brand,
        last4=last4,
        funding=funding,
        country=country,
        challenged=name in CHALLENGED,
        elevated_risk=name == "riskLevelElevated",
        multicapture="multicapture" in parts,
        disputes=tuple(reason for part in parts for reason in DISPUTES.get(part, ())),
    )


def as_payment_method(card: Card) -> Doc:
    return {
        "id": card.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "card": {**card.details(), "checks": None, "networks": None, "wallet": None},
        "created": 1_700_000_000,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
