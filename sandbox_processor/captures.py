"""Takes held money, or lets it go: capture, cancel, and holds that run out.

As at Stripe, what was let go of a hold that can be captured once counts into the charge's
`amount_refunded` and shows among its refunds, although nobody was given money back; what was
captured is `amount_captured`. Of a hold that can be captured several times, it does neither.
"""

from sandbox_processor import disputes
from sandbox_processor.balance import book_capture
from sandbox_processor.call import Call, emit, unexpected_state
from sandbox_processor.drafts import new_refund
from sandbox_processor.fault_names import named
from sandbox_processor.payment_methods import card_of
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


def takes_many(charge: Doc) -> bool:
    """Whether this hold may be captured in several parts."""
    card = charge["payment_method_details"]["card"]
    return bool(card["multicapture"]["status"] == "available")


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
    charge = charge_of(call, intent)
    follows = call.params.get("final_capture") == "false"
    captured = _amount_of(call, intent=intent, charge=charge, follows=follows)
    _check_allowed(call, intent=intent, charge=charge, follows=follows)
    last = not follows or captured == intent["amount_capturable"]
    return settle_hold(call, intent=intent, charge=charge, captured=captured, last=last)


def _amount_of(call: Call, *, intent: Doc, charge: Doc, follows: bool) -> int:
    """What to take. Nothing, as the last of several, only lets the rest go."""
    held: int = intent["amount_capturable"]
    asked = as_integer(call.params, "amount_to_capture")
    captured = held if asked is None else asked
    closing = takes_many(charge) and intent["amount_received"] > 0 and not follows
    if captured < (0 if closing else 1):
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
    return captured


def _check_allowed(call: Call, *, intent: Doc, charge: Doc, follows: bool) -> None:
    if follows and not takes_many(charge):
        raise Refused(
            "final_capture=false is only for payments with which multicapture is available.",
            final=True,
            code="payment_intent_invalid_parameter",
            param="final_capture",
            payment_intent=intent,
        )
    if named(call.faults, "capture_refused"):
        raise Refused(
            "The capture was refused (a fault of the sandbox); the hold stands.",
            final=True,
            code="capture_unauthorized_payment",
            payment_intent=intent,
        )


def settle_hold(call: Call, *, intent: Doc, charge: Doc, captured: int, last: bool) -> Doc:
    """Moves held money to the balance; the last capture lets the remainder go."""
    left = intent["amount_capturable"] - captured
    released = left if last else 0
    first = intent["amount_received"] == 0
    charge["amount_captured"] += captured
    charge["captured"] = last
    _book(call, charge=charge, captured=captured, released=released)
    intent["amount_received"] += captured
    intent["amount_capturable"] = left - released
    if last:
        intent["status"] = "succeeded"
    call.journal.save(charge, parent=intent["id"], created=call.now)
    call.journal.save(intent, created=call.now)
    if captured:
        call.effect("capture", amount=captured, intent=intent, charge=charge["id"])
    if released:
        call.effect("release", amount=released, intent=intent, charge=charge["id"])
    _tell(call, intent=intent, charge=charge, released=released, last=last)
    if first and captured:
        reasons = card_of(charge["payment_method"]).disputes
        disputes.open_from_card(call, intent=intent, charge=charge, reasons=reasons)
    return intent


def _book(call: Call, *, charge: Doc, captured: int, released: int) -> None:
    """As Stripe's books have it: several captures are a line each, and nothing is reversed."""
    release = None
    if released and not takes_many(charge):
        charge["amount_refunded"] += released
        release = new_release(call, charge=charge, amount=released)
    if captured:
        line = book_capture(call, charge=charge, captured=captured, release=release)
        charge["balance_transaction"] = charge["balance_transaction"] or line["id"]
    if release:
        call.journal.save(release, parent=charge["id"], created=call.now)


def new_release(call: Call, *, charge: Doc, amount: int) -> Doc:
    """Stripe shows as a refund what was let go of a hold, although nobody was given money back."""
    return new_refund(call, charge=charge, amount=amount, reason=None, metadata={})


def _tell(call: Call, *, intent: Doc, charge: Doc, released: int, last: bool) -> None:
    """https://docs.stripe.com/payments/multicapture says which events come when."""
    many = takes_many(charge)
    if many:
        emit(call, "charge.updated", charge)
        emit(call, "payment_intent.amount_capturable_updated", dict(intent))
    if last:
        emit(call, "charge.captured", charge)
        if released and not many:
            emit(call, "charge.refunded", charge)
        emit(call, "payment_intent.succeeded", dict(intent))


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
    if named(call.faults, "cancel_refused"):
        raise unexpected_state(
            "The cancellation was refused (a fault of the sandbox); the hold stands.",
            intent=intent,
        )
    return let_go(call, intent=intent, reason=reason)


def expire(call: Call) -> None:
    """Ends a hold whose time is up: what was captured of it stays captured."""
    intent = call.journal.load(call.target)
    if intent is None or intent["status"] != "requires_capture":
        return
    call.intent = intent
    if intent["amount_received"]:
        charge = charge_of(call, intent)
        settle_hold(call, intent=intent, charge=charge, captured=0, last=True)
    else:
        let_go(call, intent=intent, reason="automatic")


def let_go(call: Call, *, intent: Doc, reason: str | None) -> Doc:
    """Ends an intent; what it held is the customer's again."""
    held = intent["amount_capturable"]
    charge = charge_of(call, intent) if intent["status"] == "requires_capture" else None
    intent.update(
        status="canceled",
        amount_capturable=0,
        canceled_at=int(call.now),
        cancellation_reason=reason,
        next_action=None,
    )
    if charge is not None:
        _release(call, intent=intent, charge=charge, held=held)
    call.journal.save(intent)
    emit(call, "payment_intent.canceled", dict(intent))
    return intent


def _release(call: Call, *, intent: Doc, charge: Doc, held: int) -> None:
    """Lets a hold go; one that nothing was captured of shows as refunded, at Stripe."""
    if not charge["amount_captured"]:
        charge["amount_refunded"] += held
        charge["refunded"] = True
        release = new_release(call, charge=charge, amount=held)
        call.journal.save(release, parent=charge["id"], created=call.now)
    call.journal.save(charge, parent=intent["id"])
    reason = intent["cancellation_reason"]
    call.effect("cancel", amount=held, intent=intent, charge=charge["id"], reason=reason)
    emit(call, "charge.refunded", charge)
