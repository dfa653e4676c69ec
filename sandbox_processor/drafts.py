"""The shapes of new intents, charges, refunds and disputes, and the rules for metadata."""

from sandbox_processor.call import Call
from sandbox_processor.payment_methods import AUTHENTICATION_REQUIRED, MESSAGES, Card
from sandbox_processor.wire import Doc, Refused, as_section, new_id

MOST_METADATA = 50
LONGEST_NAME = 40
LONGEST_VALUE = 500
EVIDENCE_SECONDS = 7 * 86_400


def checked_metadata(params: Doc) -> Doc:
    """A request's metadata within Stripe's limits."""
    metadata = as_section(params, "metadata")
    if len(metadata) > MOST_METADATA:
        raise Refused("Metadata can have up to 50 keys.", param="metadata")
    for name, value in metadata.items():
        if not isinstance(value, str) or len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE:
            raise Refused(f"Invalid metadata: {name}", param=f"metadata[{name}]")
    return metadata


def index_metadata(call: Call, intent: Doc) -> None:
    """Makes an intent findable by what its metadata says."""
    for name, value in intent["metadata"].items():
        call.journal.write(
            "INSERT OR IGNORE INTO metadata (name, value, id) VALUES (?, ?, ?)",
            (name, value, intent["id"]),
        )


def new_intent(call: Call, *, amount: int, capture_method: str) -> Doc:
    """A payment intent as it looks before anybody confirmed it."""
    params = call.params
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": capture_method,
        "client_secret": new_id(f"{intent_id}_secret"),
        "confirmation_method": params.get("confirmation_method", "automatic"),
        "created": int(call.now),
        "currency": params["currency"].lower(),
        "customer": params.get("customer"),
        "description": params.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": checked_metadata(params),
        "next_action": None,
        "payment_method": None,
        "payment_method_options": _options(params),
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": params.get("receipt_email"),
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
    }


def new_charge(call: Call, *, intent: Doc, card: Card) -> Doc:
    """A successful, uncaptured charge on a card."""
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "captured": False,
        "created": int(call.now),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": intent["metadata"],
        "outcome": _outcome(card),
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": card.id,
        "payment_method_details": {
            "type": "card",
            "card": {
                **card.details(),
                "amount_authorized": intent["amount"],
                "capture_before": None,
                "multicapture": {"status": _multicapture(intent, card)},
                "network": card.brand,
            },
        },
        "refunded": False,
        "status": "succeeded",
    }


def _multicapture(intent: Doc, card: Card) -> str:
    """Several captures are for who asked for them, with a card that can."""
    options = intent["payment_method_options"].get("card", {})
    asked = options.get("request_multicapture") == "if_available"
    return "available" if asked and card.multicapture else "unavailable"


def _options(params: Doc) -> Doc:
    card = as_section(as_section(params, "payment_method_options"), "card")
    wish = card.get("request_multicapture", "never")
    if wish not in ("if_available", "never"):
        name = "payment_method_options[card][request_multicapture]"
        raise Refused(f"Invalid {name}: {wish}", param=name)
    return {"card": {"request_multicapture": wish}}


def new_failed_charge(
    call: Call, *, intent: Doc, card: Card, code: str, decline_code: str | None
) -> Doc:
    """A charge that the card's bank refused."""
    charge = new_charge(call, intent=intent, card=card)
    charge.update(
        status="failed",
        paid=False,
        failure_code="card_declined" if code == AUTHENTICATION_REQUIRED else code,
        failure_message=MESSAGES[code],
    )
    charge["outcome"].update(
        network_status="declined_by_network",
        reason=decline_code,
        type="issuer_declined",
        seller_message="The bank did not return any further details with this decline.",
    )
    return charge


def _outcome(card: Card) -> Doc:
    return {
        "network_status": "approved_by_network",
        "reason": "elevated_risk_level" if card.elevated_risk else None,
        "risk_level": "elevated" if card.elevated_risk else "normal",
        "risk_score": 65 if card.elevated_risk else 12,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def new_refund(call: Call, *, charge: Doc, amount: int, reason: str | None, metadata: Doc) -> Doc:
    """A refund that succeeded."""
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": int(call.now),
        "currency": charge["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "failure_balance_transaction": None,
        "failure_reason": None,
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "pending_reason": None,
        "reason": reason,
        "receipt_number": None,
        "status": "succeeded",
    }


def new_dispute(call: Call, *, charge: Doc, amount: int, inquiry: bool) -> Doc:
    """A dispute, or an inquiry, that waits for our answer."""
    brand = charge["payment_method_details"]["card"]["brand"]
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": int(call.now),
        "currency": charge["currency"],
        "evidence": {},
        "evidence_details": {
            "due_by": int(call.now) + EVIDENCE_SECONDS,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": brand,
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": brand,
                "network_reason_code": "10.4",
            },
        },
        "reason": "general",
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
