"""Takes held money, or lets it go: capture, cancel, and holds that run out.

As at Stripe, what was let go counts into the charge's `amount_refunded` although no refund exists;
what was captured is `amount_captured`.
"""

from sandbox_processor.balance import book_capture
from sandbox_processor.call import Call, emit, unexpected_state
from sandbox_processor.faults import named
from sandbox_processor.wire import Doc, Refused, as_integer, no_such

CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)
REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")


def _intent_of(call: Call) -> Doc:
    found = call.journal.load(call.target)
    if found is None or found["object"] != "payment_intent":
        raise no_such("payment_intent", call.target, param="intent")
    call.intent = found
    return found


def charge_of(call: Call, intent: Doc) -> Doc:
    charge = call.journal.load(intent["latest_charge"])
    if charge is None:
        raise LookupError(intent["latest_charge"])
    return charge


def capture(call: Call) -> Doc:
    """Takes all or a part of what is held; the rest goes back unless more is to follow."""
    intent = _intent_of(call)
    if intent["status"] != "requires_capture":
        raise unexpected_state(
            "This PaymentIntent could not be captured because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            "captured: requires_capture.",
            intent=intent,
        )
    held = intent["amount_capturable"]
    asked = as_integer(call.params, "amount_to_capture")
    captured = held if asked is None else asked
    if captured < 1:
        raise Refused(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount_to_capture",
        )
    if captured > held:
        raise Refused(
            "The payment could not be captured because the requested capture amount is greater "
            "than the amount that can be captured for this payment.",
            final=True,
            code="amount_too_large",
            param="amount_to_capture",
        )
    if named(call.faults, "capture_refused"):
        raise Refused(
            "The capture was refused (a fault of the sandbox); the hold stands.",
            final=True,
            code="capture_unauthorized_payment",
            payment_intent=intent,
        )
    last = call.params.get("final_capture") != "false" or captured == held
    charge = charge_of(call, intent)
    return settle_hold(call, intent=intent, charge=charge, captured=captured, last=last)


def settle_hold(call: Call, *, intent: Doc, charge: Doc, captured: int, last: bool) -> Doc:
    """Moves held money to the balance; the last capture lets the remainder go."""
    left = intent["amount_capturable"] - captured
    released = left if last else 0
    charge["amount_captured"] += captured
    charge["amount_refunded"] += released
    charge["captured"] = True
    line = book_capture(call, charge=charge, captured=captured, released=released)
    charge["balance_transaction"] = line["id"]
    intent["amount_received"] += captured
    intent["amount_capturable"] = left - released
    if last:
        intent["status"] = "succeeded"
    call.journal.save(charge, parent=intent["id"], created=call.now)
    call.journal.save(intent, created=call.now)
    call.effect("capture", amount=captured, intent=intent, charge=charge["id"])
    if released:
        call.effect("release", amount=released, intent=intent, charge=charge["id"])
    emit(call, "charge.captured", charge)
    emit(
        call,
        "payment_intent.succeeded" if last else "payment_intent.amount_capturable_updated",
        dict(intent),
    )
    return intent


def cancel(call: Call) -> Doc:
    """Cancels an intent that is not finished; a hold goes back whole."""
    intent = _intent_of(call)
    reason = call.params.get("cancellation_reason") or None
    if reason is not None and reason not in REASONS:
        raise Refused("Invalid cancellation_reason", param="cancellation_reason")
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. "
            "Only a PaymentIntent with one of the following statuses may be canceled: "
            f"{', '.join(CANCELABLE)}.",
            intent=intent,
        )
    return let_go(call, intent=intent, reason=reason)


def let_go(call: Call, *, intent: Doc, reason: str | None) -> Doc:
    """Ends an intent; what it held is the customer's again."""
    if intent["status"] == "requires_capture":
        held = intent["amount_capturable"]
        charge = charge_of(call, intent)
        charge["amount_refunded"] += held
        charge["refunded"] = charge["amount_captured"] == 0
        call.journal.save(charge, parent=intent["id"])
        call.effect("cancel", amount=held, intent=intent, charge=charge["id"], reason=reason)
    intent.update(
        status="canceled",
        amount_capturable=0,
        canceled_at=int(call.now),
        cancellation_reason=reason,
        next_action=None,
    )
    call.journal.save(intent)
    emit(call, "payment_intent.canceled", dict(intent))
    return intent
