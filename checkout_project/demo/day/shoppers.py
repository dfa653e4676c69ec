"""Who buys on that day: what each is told apart by, and what analytics makes of the purchase."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from checkout_project.demo import outside
from checkout_project.demo.outside import Api, Doc

SILENT: Final = "pm_card_visa__fault_timeout_after"
TOUCH: Final = {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "spring"}
NAMED: Final = TOUCH | {"client_id": "123.456", "session_id": "s_1", "consent": True}
NAMELESS: Final = TOUCH | {"consent": True}
REFUSES: Final = TOUCH | {"consent": False}


@dataclass(frozen=True, slots=True)
class Shopper:
    """`seen`: what analytics counts of the purchase; `cause`: as the report should name it."""

    attribution: Doc
    cause: str
    seen: tuple[int, ...] = ()  # what is added to the order's total, for each time it is counted


COUNTED: Final = Shopper(NAMED, "matched", (0,))
BLOCKS: Final = Shopper(NAMED, "missing unknown")

# By the break that will be made of the purchase.
SETTLED: Final[Mapping[str, Shopper]] = {
    "": COUNTED,
    "refund_missing_local": Shopper(REFUSES, "missing consent_denied"),
    "refund_missing_remote": Shopper(REFUSES, "missing consent_denied"),
    "dispute_unrecorded": Shopper(NAMELESS, "missing no_client_id"),
    "missing_at_processor": BLOCKS,
    "amount_mismatch": BLOCKS,
    "currency_mismatch": Shopper(NAMED, "differing value_differs", (100,)),
    "fee_mismatch": Shopper(NAMED, "duplicate", (0, 0)),
    "late_event": COUNTED,
    "duplicate_charge": COUNTED,
}
HELD: Final[Mapping[str, Shopper]] = {
    "status_mismatch": COUNTED,
    "order_without_payment": BLOCKS,
    "expired_uncaptured_shipped": BLOCKS,
}
UNANSWERED: Final = ("unknown_stale", "orphan_authorization")


def buy(api: Api, shopper: Shopper) -> Doc:
    """Two mugs; the answer: the checkout with its order and payment."""
    body = outside.a_purchase(attribution=shopper.attribution)
    return api.checkout(body, key=outside.a_key()).doc


def buy_unanswered(api: Api) -> Doc:
    """Two mugs with a card at which the processor takes the hold and never answers."""
    body = outside.a_purchase(payment_method=SILENT, attribution=NAMED)
    return api.checkout(body, key=outside.a_key()).doc


def expected(shoppers: Sequence[Shopper]) -> Counter[str]:
    """The gap that these make, with the two sales below that nobody made."""
    found = Counter({"extra unknown": 1, "extra test_traffic": 1})
    for each in shoppers:
        found[each.cause] += 1
        # What is counted wrong or twice is counted all the same.
        found["matched"] += bool(each.seen) and each.cause != "matched"
    return +found


def tell_analytics(api: Api, bought: Sequence[tuple[Shopper, Doc]], *, at: dt.datetime) -> None:
    """What analytics counted: these purchases, a sale that never was, and a developer's test."""
    told = [
        _conversion(doc["order"]["number"], doc["total"]["amount"] + more, at)
        for shopper, doc in bought
        for more in shopper.seen
    ]
    ghosts = [_conversion("GHOST-1", 500, at), _conversion("TEST-1", 500, at) | {"test": True}]
    api.send("POST", "conversions", {"conversions": [*told, *ghosts]})


def _conversion(number: str, amount: int, at: dt.datetime) -> Doc:
    value = {"amount": amount, "currency": "USD"}
    return {"transaction_id": number, "value": value, "occurred_at": at.isoformat()}
