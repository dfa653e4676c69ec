"""Gives captured money back, never more than was captured (see `refund_outcomes` for its fate)."""

from sandbox_processor import refund_outcomes
from sandbox_processor.call import Call, emit
from sandbox_processor.drafts import checked_metadata, new_refund
from sandbox_processor.fault_names import named
from sandbox_processor.wire import Doc, Refused, as_integer, missing, no_such

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
GONE = ("failed", "canceled")


def create(call: Call) -> Doc:
    """A refund of all that is left, or of a part."""
    intent, charge = _payment_of(call)
    reason = call.params.get("reason") or None
    if reason is not None and reason not in REASONS:
        raise Refused("Invalid reason", param="reason")
    metadata = checked_metadata(call.params)
    amount = _amount_of(call, intent=intent, charge=charge)
    refund = new_refund(call, charge=charge, amount=amount, reason=reason, metadata=metadata)
    if named(call.faults, "refund_fails"):
        return _refused_by_the_bank(call, refund=refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["captured"] and _left_of(call, charge=charge) == amount
    call.journal.save(charge, parent=intent["id"])
    _send(call, refund=refund)
    call.journal.save(refund, parent=intent["id"], created=call.now)
    emit(call, "refund.created", dict(refund))
    emit(call, "charge.refunded", charge)
    emit(call, "refund.updated", dict(refund))
    return refund


def _send(call: Call, *, refund: Doc) -> None:
    """Lets the money go, now or later, as the faults of this refund would have it."""
    pending = named(call.faults, "refund_pending")
    if named(call.faults, "refund_insufficient_balance"):
        refund.update(status="pending", pending_reason="insufficient_funds")
        return
    refund_outcomes.pay(call, refund=refund)
    if pending is not None:
        refund.update(status="pending", pending_reason="processing")
        call.plan("refund_succeeds", refund["id"], after=pending.seconds)
    later = named(call.faults, "refund_fails_later")
    if later is not None:
        call.plan("refund_fails", refund["id"], after=later.seconds)


def _refused_by_the_bank(call: Call, *, refund: Doc) -> Doc:
    """No money moves, and the refund says so."""
    refund.update(status="failed", failure_reason="declined")
    call.journal.save(refund, parent=refund["payment_intent"], created=call.now)
    emit(call, "refund.created", dict(refund))
    emit(call, "refund.failed", dict(refund))
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
    if charge is None or not charge["amount_captured"]:
        raise Refused(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            final=True,
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
    return intent, charge


def _left_of(call: Call, *, charge: Doc) -> int:
    """What was captured and is not on its way back; the money of a failed refund counts again."""
    refunds = call.journal.children(charge["payment_intent"], kind="refund")
    gone = sum(refund["amount"] for refund in refunds if refund["status"] not in GONE)
    left: int = charge["amount_captured"] - gone
    return left


def _amount_of(call: Call, *, intent: Doc, charge: Doc) -> int:
    left = _left_of(call, charge=charge)
    asked = as_integer(call.params, "amount")
    _check_not_disputed(call, intent=intent, charge=charge)
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


def _check_not_disputed(call: Call, *, intent: Doc, charge: Doc) -> None:
    """Who disputes has the money back already; an inquiry has taken none yet."""
    disputes = call.journal.children(intent["id"], kind="dispute")
    if not all(dispute["is_charge_refundable"] for dispute in disputes):
        raise Refused(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            final=True,
            code="charge_disputed",
        )
