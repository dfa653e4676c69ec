"""Writes the balance transactions behind captures and refunds; they add up to what is paid out.

The fee is 2.9 % and 30 minor units, rounded half up, and is not given back on a refund. A partial
capture shows as Stripe's books show it: the whole charge, then a reversal of the part that was let
go, classified by `reporting_category`.
"""

from sandbox_processor.call import Call
from sandbox_processor.wire import Doc, new_id

AVAILABLE_AFTER_SECONDS = 2 * 86_400
FEE_PER_MILLE = 29
FEE_FIXED = 30
TYPES = {
    # reporting category: the type at Stripe, where they differ
    # https://docs.stripe.com/reports/reporting-categories
    "partial_capture_reversal": "refund",
    "dispute": "adjustment",
    "dispute_reversal": "adjustment",
}


def fee_of(amount: int) -> int:
    return (amount * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED


def book(call: Call, *, amount: int, fee: int, currency: str, category: str, source: Doc) -> Doc:
    """One line of the account's books."""
    line: Doc = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": int(call.now) + AVAILABLE_AFTER_SECONDS,
        "created": int(call.now),
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [
            {
                "amount": fee,
                "application": None,
                "currency": currency,
                "description": "Sandbox processing fees",
                "type": "stripe_fee",
            }
        ]
        if fee
        else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source["id"],
        "status": "pending",
        "type": TYPES.get(category, category),
    }
    call.journal.save(line, created=call.now)
    return line


def book_capture(call: Call, *, charge: Doc, captured: int, release: Doc | None) -> Doc:
    """A capture's lines: the charge, and the reversal of what was let go."""
    whole = captured + (release["amount"] if release else 0)
    currency = charge["currency"]
    line = book(
        call, amount=whole, fee=fee_of(whole), currency=currency, category="charge", source=charge
    )
    if release:
        reversal = book(
            call,
            amount=captured - whole,
            fee=fee_of(captured) - fee_of(whole),
            currency=currency,
            category="partial_capture_reversal",
            source=release,
        )
        release["balance_transaction"] = reversal["id"]
    return line
