"""Closes the books into payouts, one per currency, when `POST /_sandbox/settle` says so.

Every line that no payout holds yet goes in, or those created before `until` (Unix seconds). A
currency whose sum is not positive waits for the next time, as a negative balance does.
"""

from sandbox_processor import clock
from sandbox_processor.balance import book
from sandbox_processor.call import Call, emit
from sandbox_processor.wire import Doc, as_integer, new_id


def settle(call: Call) -> Doc:
    """One payout for each currency with something to pay out."""
    until = as_integer(call.params, "until") or int(clock.now()) + 1
    open_lines: dict[str, list[Doc]] = {}
    for line in call.journal.select(
        "kind = 'balance_transaction' AND parent = '' AND created < ?", (until,)
    ):
        open_lines.setdefault(line["currency"], []).append(line)
    payouts = [
        _pay_out(call, currency=currency, lines=lines)
        for currency, lines in open_lines.items()
        if sum(line["net"] for line in lines) > 0
    ]
    return {"object": "list", "url": "/v1/payouts", "has_more": False, "data": payouts}


def _pay_out(call: Call, *, currency: str, lines: list[Doc]) -> Doc:
    amount = sum(line["net"] for line in lines)
    payout: Doc = {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "arrival_date": int(call.now),
        "automatic": True,
        "balance_transaction": None,
        "created": int(call.now),
        "currency": currency,
        "description": "SANDBOX PAYOUT",
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "completed",
        "status": "paid",
        "type": "bank_account",
    }
    closing = book(call, amount=-amount, fee=0, currency=currency, category="payout", source=payout)
    payout["balance_transaction"] = closing["id"]
    for line in [*lines, closing]:
        line["status"] = "available"
        call.journal.save(line, parent=payout["id"])
    call.journal.save(payout, created=call.now)
    emit(call, "payout.paid", payout)
    return payout
