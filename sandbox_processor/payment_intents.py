"""Creates and confirms payment intents: the card says yes, no, or asks for its holder."""

from sandbox_processor.call import Call, emit, unexpected_state
from sandbox_processor.captures import settle_hold
from sandbox_processor.currencies import check_amount, check_currency
from sandbox_processor.drafts import index_metadata, new_charge, new_failed_charge, new_intent
from sandbox_processor.fault_names import named
from sandbox_processor.payment_methods import (
    AUTHENTICATION_REQUIRED,
    MESSAGES,
    Card,
    as_payment_method,
    card_of,
)
from sandbox_processor.wire import (
    Doc,
    Refused,
    as_flag,
    as_integer,
    missing,
    no_such,
)

HOLD_SECONDS = 7 * 86_400
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CAPTURE_METHODS = ("automatic", "automatic_async", "manual")


def intent_of(call: Call, wanted: str) -> Doc:
    """A payment intent by its id, or Stripe's 404."""
    found = call.journal.load(wanted)
    if found is None or found["object"] != "payment_intent":
        raise no_such("payment_intent", wanted, param="intent")
    call.intent = found
    return found


def create(call: Call) -> Doc:
    """A new intent, confirmed at once when the request says so."""
    params = call.params
    amount, currency = as_integer(params, "amount"), params.get("currency")
    if amount is None:
        raise missing("amount")
    check_amount(amount, currency=check_currency(currency))
    capture_method = params.get("capture_method", "automatic_async")
    if capture_method not in CAPTURE_METHODS:
        raise Refused("Invalid capture_method", param="capture_method")
    method = params.get("payment_method") or None
    card = card_of(method) if method else None
    confirm = as_flag(params.get("confirm"))
    if confirm and card is None:
        raise Refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="parameter_missing",
            param="payment_method",
        )
    intent = new_intent(call, amount=amount, capture_method=capture_method)
    call.intent = intent
    intent["payment_method"] = method
    intent["status"] = "requires_confirmation" if method else "requires_payment_method"
    index_metadata(call, intent)
    emit(call, "payment_intent.created", dict(intent))
    if not confirm or card is None:
        call.journal.save(intent, created=call.now)
        return intent
    return _confirm(call, intent=intent, card=card)


def confirm(call: Call) -> Doc:
    """Confirms; on an intent that waits for its holder, it stands for the holder's yes."""
    intent = intent_of(call, call.target)
    method = call.params.get("payment_method") or intent["payment_method"]
    if intent["status"] not in CONFIRMABLE:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            f"confirmed: {', '.join(CONFIRMABLE)}.",
            intent=intent,
        )
    if not method:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            intent=intent,
        )
    card = card_of(method)
    answered = intent["status"] == "requires_action"
    intent["payment_method"] = method
    return _confirm(call, intent=intent, card=card, authenticated=answered)


def authenticate(call: Call, *, intent: Doc, succeeds: bool) -> Doc:
    """The card's holder answered the challenge."""
    call.intent = intent
    card = card_of(intent["payment_method"])
    if succeeds:
        return _authorize(call, intent=intent, card=card)
    intent.update(status="requires_payment_method", next_action=None, payment_method=None)
    intent["last_payment_error"] = {
        "type": "invalid_request_error",
        "code": "payment_intent_authentication_failure",
        "message": "The provided PaymentMethod has failed authentication.",
    }
    call.journal.save(intent)
    emit(call, "payment_intent.payment_failed", dict(intent))
    return intent


def _confirm(call: Call, *, intent: Doc, card: Card, authenticated: bool = False) -> Doc:
    if card.code:
        raise _decline(call, intent=intent, card=card, code=card.code)
    if not authenticated and (card.challenged or named(call.faults, "requires_action")):
        params = call.params
        if as_flag(params.get("error_on_requires_action")) or as_flag(params.get("off_session")):
            raise _decline(call, intent=intent, card=card, code=AUTHENTICATION_REQUIRED)
        return _challenge(call, intent=intent)
    return _authorize(call, intent=intent, card=card)


def _challenge(call: Call, *, intent: Doc) -> Doc:
    back = call.params.get("return_url")
    intent["status"] = "requires_action"
    intent["next_action"] = {
        "type": "redirect_to_url",
        "redirect_to_url": {
            "return_url": back,
            "url": f"{call.origin}/_sandbox/authenticate/{intent['id']}",
        },
    }
    call.journal.save(intent, created=call.now)
    emit(call, "payment_intent.requires_action", dict(intent))
    return intent


def _authorize(call: Call, *, intent: Doc, card: Card) -> Doc:
    charge = new_charge(call, intent=intent, card=card)
    short = named(call.faults, "authorization_expires")
    hold = HOLD_SECONDS if short is None else short.seconds
    manual = intent["capture_method"] == "manual"
    charge["payment_method_details"]["card"]["capture_before"] = (
        round(call.now + hold) if manual else None
    )
    intent.update(
        status="requires_capture",
        amount_capturable=intent["amount"],
        latest_charge=charge["id"],
        next_action=None,
        last_payment_error=None,
    )
    call.effect("authorization", amount=intent["amount"], intent=intent, charge=charge["id"])
    if manual:
        call.journal.save(charge, parent=intent["id"], created=call.now)
        call.journal.save(intent, created=call.now)
        call.hold_until = call.now + hold
        emit(call, "payment_intent.amount_capturable_updated", dict(intent))
        return intent
    return settle_hold(call, intent=intent, charge=charge, captured=intent["amount"], last=True)


def _decline(call: Call, *, intent: Doc, card: Card, code: str) -> Refused:
    """A declined card leaves a failed charge and an intent that wants another card."""
    decline_code = code if code == AUTHENTICATION_REQUIRED else card.decline_code
    charge = new_failed_charge(call, intent=intent, card=card, code=code, decline_code=decline_code)
    message = MESSAGES[code]
    error = {
        "type": "card_error",
        "code": code,
        "decline_code": decline_code,
        "message": message,
        "charge": charge["id"],
        "payment_method": as_payment_method(card),
    }
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        latest_charge=charge["id"],
        next_action=None,
        last_payment_error=error,
    )
    call.journal.save(charge, parent=intent["id"], created=call.now)
    call.journal.save(intent, created=call.now)
    emit(call, "payment_intent.payment_failed", dict(intent))
    return Refused(
        message,
        status=402,
        kind="card_error",
        final=True,
        code=code,
        decline_code=decline_code,
        charge=charge["id"],
        payment_intent=intent,
        payment_method=error["payment_method"],
    )
