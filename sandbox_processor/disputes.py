"""Cardholders object: the money is taken back at once, with a fee, and returned when we win.

An inquiry asks first and moves nothing. A card's part opens a dispute with the first capture
(`payment_methods.DISPUTES`), and `POST /_sandbox/disputes` at any time.
"""

from sandbox_processor import refund_outcomes
from sandbox_processor.balance import book
from sandbox_processor.call import Call, emit
from sandbox_processor.drafts import new_dispute
from sandbox_processor.wire import Doc, Refused, as_flag, as_section, missing, no_such

FEE = 1500
INQUIRY = "inquiry"
REASONS = (
    "credit_not_processed",
    "duplicate",
    "fraudulent",
    "general",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
    INQUIRY,
)
OPEN = ("needs_response", "under_review")
ASKING = ("warning_needs_response", "warning_under_review")


def open_from_card(call: Call, *, intent: Doc, charge: Doc, reasons: tuple[str, ...]) -> None:
    """The disputes of a card that always disputes; several share what was captured."""
    for number, reason in enumerate(reasons):
        share, rest = divmod(charge["amount_captured"], len(reasons))
        amount = share + (1 if number < rest else 0)
        start(call, intent=intent, charge=charge, amount=amount, reason=reason)


def open_by_hand(call: Call, *, given: Doc) -> Doc:
    """`POST /_sandbox/disputes {"payment", "amount", "reason"}`."""
    wanted = given.get("payment")
    if not isinstance(wanted, str) or not wanted:
        raise missing("payment")
    intent = call.journal.load(wanted)
    if intent is None or intent["object"] != "payment_intent":
        raise no_such("payment_intent", wanted, param="payment")
    charge = call.journal.load(intent["latest_charge"] or "")
    if charge is None or not charge["amount_captured"]:
        raise Refused("Nothing was captured, so nothing can be disputed.", param="payment")
    amount = charge["amount_captured"] if given.get("amount") is None else given["amount"]
    if not isinstance(amount, int) or not 0 < amount <= charge["amount_captured"]:
        raise Refused("Dispute at most what was captured.", param="amount")
    reason = given.get("reason", "fraudulent")
    if reason not in REASONS:
        raise Refused(f"Invalid reason: {reason}", param="reason")
    call.intent = intent
    return start(call, intent=intent, charge=charge, amount=amount, reason=reason)


def start(call: Call, *, intent: Doc, charge: Doc, amount: int, reason: str) -> Doc:
    """A new dispute; what it takes leaves the balance, and refunds on their way stop."""
    dispute = new_dispute(call, charge=charge, amount=amount, inquiry=reason == INQUIRY)
    dispute["reason"] = "general" if reason == INQUIRY else reason
    charge["disputed"] = True
    call.journal.save(charge, parent=intent["id"])
    _keep(call, dispute)
    emit(call, "charge.dispute.created", dict(dispute))
    if reason != INQUIRY:
        _withdraw(call, dispute=dispute, intent=intent)
    return dispute


def _withdraw(call: Call, *, dispute: Doc, intent: Doc) -> None:
    _book(call, dispute=dispute, amount=-dispute["amount"], fee=FEE, category="dispute")
    call.effect("dispute", amount=dispute["amount"], intent=intent, dispute=dispute["id"], fee=FEE)
    _keep(call, dispute)
    emit(call, "charge.dispute.funds_withdrawn", dict(dispute))
    for refund in call.journal.children(intent["id"], kind="refund"):
        if refund["status"] == "pending":
            refund_outcomes.fail(call, refund, reason="charge_for_pending_refund_disputed")


def _book(call: Call, *, dispute: Doc, amount: int, fee: int, category: str) -> None:
    line = book(
        call,
        amount=amount,
        fee=fee,
        currency=dispute["currency"],
        category=category,
        source=dispute,
    )
    dispute["balance_transactions"].append(line)


def respond(call: Call) -> Doc:
    """`POST /v1/disputes/{id}`: evidence is kept, and handed in with `submit`."""
    dispute = _dispute_of(call, call.target)
    _check_open(dispute)
    dispute["evidence"].update(as_section(call.params, "evidence"))
    dispute["evidence_details"]["has_evidence"] = True
    if as_flag(call.params.get("submit", "true")):
        dispute["evidence_details"]["submission_count"] += 1
        asking = dispute["status"] in ASKING
        dispute["status"] = "warning_under_review" if asking else "under_review"
    _keep(call, dispute)
    emit(call, "charge.dispute.updated", dict(dispute))
    return dispute


def accept(call: Call) -> Doc:
    """`POST /v1/disputes/{id}/close`: we give in."""
    dispute = _dispute_of(call, call.target)
    _check_open(dispute)
    return _close(call, dispute=dispute, won=False)


def decide(call: Call, *, wanted: str, given: Doc) -> Doc:
    """`POST /_sandbox/disputes/{id}/close {"status": "won" | "lost"}`: the bank decides."""
    dispute = _dispute_of(call, wanted)
    _check_open(dispute)
    if given.get("status") not in ("won", "lost"):
        raise Refused("Invalid status: won or lost.", param="status")
    return _close(call, dispute=dispute, won=given["status"] == "won")


def escalate(call: Call, *, wanted: str) -> Doc:
    """An inquiry becomes a dispute, and takes the money."""
    dispute = _dispute_of(call, wanted)
    if dispute["status"] not in ASKING or call.intent is None:
        raise Refused(f"This dispute is {dispute['status']}, and no inquiry.", param="id")
    dispute.update(status="needs_response", is_charge_refundable=False)
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    _withdraw(call, dispute=dispute, intent=call.intent)
    emit(call, "charge.dispute.updated", dict(dispute))
    return dispute


def _close(call: Call, *, dispute: Doc, won: bool) -> Doc:
    asking = dispute["status"] in ASKING
    dispute["status"] = "warning_closed" if asking else "won" if won else "lost"
    dispute["is_charge_refundable"] = asking or won
    if won and not asking:
        _book(call, dispute=dispute, amount=dispute["amount"], fee=0, category="dispute_reversal")
        _keep(call, dispute)
        _tell_of_return(call, dispute=dispute)
    _keep(call, dispute)
    emit(call, "charge.dispute.closed", dict(dispute))
    return dispute


def _tell_of_return(call: Call, *, dispute: Doc) -> None:
    if call.intent is None:
        raise LookupError(dispute["payment_intent"])
    call.effect(
        "dispute_reversal", amount=dispute["amount"], intent=call.intent, dispute=dispute["id"]
    )
    emit(call, "charge.dispute.funds_reinstated", dict(dispute))


def _dispute_of(call: Call, wanted: str) -> Doc:
    dispute = call.journal.load(wanted)
    if dispute is None or dispute["object"] != "dispute":
        raise no_such("dispute", wanted, param="id")
    call.intent = call.journal.load(dispute["payment_intent"])
    return dispute


def _check_open(dispute: Doc) -> None:
    if dispute["status"] not in OPEN + ASKING:
        raise Refused(f"This dispute is already {dispute['status']}.", param="id")


def _keep(call: Call, dispute: Doc) -> None:
    call.journal.save(dispute, parent=dispute["payment_intent"], created=float(dispute["created"]))
