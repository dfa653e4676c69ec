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


def fee_of(amount: int) -> int:
    return (amount * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED


def book(call: Call, *, amount: int, fee: int, currency: str, category: str, source: Doc) -> Doc:
    """One line of the account's books."""
    types = {"partial_capture_reversal": "refund", "charge": "charge"}
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
        "type": types.get(category, category),
    }
    call.journal.save(line, created=call.now)
    return line


def book_capture(call: Call, *, charge: Doc, captured: int, released: int) -> Doc:
    """A capture's lines: the charge, and the reversal of what was let go."""
    whole = captured + released
    currency = charge["currency"]
    line = book(
        call, amount=whole, fee=fee_of(whole), currency=currency, category="charge", source=charge
    )
    if released:
        book(
            call,
            amount=-released,
            fee=fee_of(captured) - fee_of(whole),
            currency=currency,
            category="partial_capture_reversal",
            source=charge,
        )
    return line
