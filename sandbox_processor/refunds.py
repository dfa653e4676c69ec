"""Gives captured money back, never more than was captured."""

from sandbox_processor.balance import book
from sandbox_processor.call import Call, emit
from sandbox_processor.drafts import checked_metadata
from sandbox_processor.wire import Doc, Refused, as_integer, missing, new_id, no_such

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(call: Call) -> Doc:
    """A refund of all that is left, or of a part."""
    intent, charge = _payment_of(call)
    reason = call.params.get("reason") or None
    if reason is not None and reason not in REASONS:
        raise Refused("Invalid reason", param="reason")
    metadata = checked_metadata(call.params)
    amount = _amount_of(call, intent=intent, charge=charge)
    refund = _draft(call, charge=charge, amount=amount, reason=reason, metadata=metadata)
    line = book(
        call,
        amount=-amount,
        fee=0,
        currency=charge["currency"],
        category="refund",
        source=refund,
    )
    refund["balance_transaction"] = line["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
    call.journal.save(refund, parent=intent["id"], created=call.now)
    call.journal.save(charge, parent=intent["id"])
    call.effect("refund", amount=amount, intent=intent, charge=charge["id"], refund=refund["id"])
    emit(call, "refund.created", refund)
    emit(call, "charge.refunded", charge)
    emit(call, "refund.updated", refund)
    return refund


def _payment_of(call: Call) -> tuple[Doc, Doc]:
    named_charge: str = call.params.get("charge") or ""
    named_intent: str = call.params.get("payment_intent") or ""
    if not named_charge and not named_intent:
        raise missing("payment_intent")
    if named_charge:
        charge = call.journal.load(named_charge)
        if charge is None or charge["object"] != "charge":
            raise no_such("charge", named_charge, param="charge")
        named_intent = charge["payment_intent"]
    intent = call.journal.load(named_intent)
    if intent is None or intent["object"] != "payment_intent":
        raise no_such("payment_intent", named_intent, param="payment_intent")
    call.intent = intent
    charge = call.journal.load(intent["latest_charge"] or "")
    if charge is None or not charge["captured"]:
        raise Refused(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            final=True,
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
    return intent, charge


def _amount_of(call: Call, *, intent: Doc, charge: Doc) -> int:
    earlier = call.journal.children(intent["id"], kind="refund")
    left = charge["amount_captured"] - sum(refund["amount"] for refund in earlier)
    asked = as_integer(call.params, "amount")
    if left == 0:
        raise Refused(
            f"Charge {charge['id']} has already been refunded.",
            final=True,
            code="charge_already_refunded",
        )
    amount = left if asked is None else asked
    if amount < 1:
        raise Refused("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        raise Refused(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).",
            final=True,
            code="amount_too_large",
            param="amount",
        )
    return amount


def _draft(call: Call, *, charge: Doc, amount: int, reason: str | None, metadata: Doc) -> Doc:
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": int(call.now),
        "currency": charge["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "status": "succeeded",
    }
