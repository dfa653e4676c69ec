"""What becomes of a refund: it arrives, it comes back, or it is called off.

A refund that fails after it succeeded brings the money back to the account's balance; the customer
is still owed it.
"""

from sandbox_processor.balance import book
from sandbox_processor.call import Call, emit
from sandbox_processor.wire import Doc, Refused, no_such

UNKNOWN = "unknown"
FAILURES = (
    "charge_for_pending_refund_disputed",
    "declined",
    "expired_or_canceled_card",
    "insufficient_funds",
    "lost_or_stolen_card",
    "merchant_request",
    UNKNOWN,
)


def pay(call: Call, *, refund: Doc) -> None:
    """Takes the refund out of the balance."""
    line = book(
        call,
        amount=-refund["amount"],
        fee=0,
        currency=refund["currency"],
        category="refund",
        source=refund,
    )
    refund["balance_transaction"] = line["id"]
    effect(call, "refund", refund=refund)


def effect(call: Call, name: str, *, refund: Doc) -> None:
    """Tells the witness that a refund's money moved."""
    intent = call.journal.load(refund["payment_intent"])
    if intent is None:
        raise LookupError(refund["payment_intent"])
    call.effect(
        name,
        amount=refund["amount"],
        intent=intent,
        charge=refund["charge"],
        refund=refund["id"],
        refund_metadata=refund["metadata"],
    )


def succeed(call: Call, refund: Doc) -> None:
    """A pending refund arrives; any other is left alone."""
    if refund["status"] != "pending":
        return
    if refund["balance_transaction"] is None:
        pay(call, refund=refund)
    refund.update(status="succeeded", pending_reason=None)
    _keep(call, refund)


def fail(call: Call, refund: Doc, *, reason: str = UNKNOWN) -> None:
    """A refund that was on its way, or had arrived, comes back."""
    if refund["status"] not in ("pending", "succeeded"):
        return
    _bring_back(call, refund)
    refund.update(status="failed", failure_reason=reason, pending_reason=None)
    _keep(call, refund, "refund.failed")


def cancel(call: Call, refund: Doc) -> None:
    """A pending refund is called off."""
    if refund["status"] != "pending":
        return
    _bring_back(call, refund)
    refund.update(status="canceled", pending_reason=None)
    _keep(call, refund)


def _bring_back(call: Call, refund: Doc) -> None:
    charge = call.journal.load(refund["charge"])
    if charge is None:
        raise LookupError(refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    call.journal.save(charge, parent=refund["payment_intent"])
    if refund["balance_transaction"] is None:
        return
    line = book(
        call,
        amount=refund["amount"],
        fee=0,
        currency=refund["currency"],
        category="refund_failure",
        source=refund,
    )
    refund["failure_balance_transaction"] = line["id"]
    effect(call, "refund_failure", refund=refund)


def _keep(call: Call, refund: Doc, *more: str) -> None:
    call.journal.save(refund, parent=refund["payment_intent"])
    for kind in ("refund.updated", *more, "charge.refund.updated"):
        emit(call, kind, dict(refund))


def settle(call: Call, *, wanted: str, given: Doc) -> Doc:
    """Somebody decides at once what becomes of a refund: `status`, and why it failed."""
    refund = call.journal.load(wanted)
    if refund is None or refund["object"] != "refund":
        raise no_such("refund", wanted, param="id")
    reason = given.get("failure_reason", UNKNOWN)
    if reason not in FAILURES:
        raise Refused(f"Invalid failure_reason: {reason}", param="failure_reason")
    if given.get("status") == "succeeded":
        succeed(call, refund)
    elif given.get("status") == "failed":
        fail(call, refund, reason=reason)
    elif given.get("status") == "canceled":
        cancel(call, refund)
    else:
        raise Refused("Invalid status: succeeded, failed or canceled.", param="status")
    return refund
