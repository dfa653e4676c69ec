"""Cancel, capture, refund, ask for a new hold: what staff do with the money of an order."""

from typing import Any, Final

from django import forms
from django.db import IntegrityError

from foundation.desk.confirm import Question, ReasonForm
from foundation.desk.sections import Facts
from foundation.errors import DomainError
from foundation.money import Money, major_units
from orders import alone, repayment, settlement
from orders.admin.deeds import Act, Deed
from orders.cancellation.cancel import cancel, for_the_house
from orders.cancellation.steps import refuse_unless_cancelable
from orders.models import Cancellation, Order
from payments.admin import amounts
from payments.models import Source
from payments.services import refund as refunds
from payments.states import HELD, TAKEN

_OVER: Final = ("expired", "voided", "declined", "abandoned")


def _facts(order: Order) -> Facts:
    pairs = [("Order", order.public_number), ("E-mail", order.email), *amounts(order.payment)]
    return Facts("", pairs)


def _held(order: Order) -> Money:
    return Money(order.payment.capturable, order.currency)


def _refundable(order: Order) -> Money:
    return Money(order.payment.refundable, order.currency)


# --- cancel -------------------------------------------------------------------------------------


def _why_not_cancel(order: Order) -> str:
    try:
        refuse_unless_cancelable(order)
    except DomainError as refusal:
        return refusal.detail
    return ""


def _ask_cancel(order: Order) -> Question:
    total = Money(order.total_amount, order.currency)
    money = [
        f"The hold of {_held(order)} is released." if order.payment.state in HELD else "",
        f"{_refundable(order)} go back to the card." if _refundable(order).amount else "",
    ]
    rest = "Nothing is shipped, the stock is for sale again, and the customer is told by e-mail."
    consequence = " ".join([*filter(None, money), rest, "This can not be undone."])
    return Question(
        "Cancel the order", f"Cancel this order of {total}?", _facts(order), consequence
    )


def _cancel(order: Order, act: Act) -> str:
    cancel(for_the_house(order.pk, actor=act.by, source=Source.STAFF, reason=act.reason))
    row = Cancellation.objects.get(order=order)
    if row.state == "completed":
        return f"Canceled. The money: {row.payment_action.replace('_', ' ')}."
    return "It is being canceled: the processor did not confirm yet. The sweep finishes it."


# --- capture ------------------------------------------------------------------------------------


def _why_not_capture(order: Order) -> str:
    if order.payment.state not in HELD:
        return f"Its payment is {order.payment.state}: nothing is held that could be taken."
    return "" if settlement.may_be_taken(order) else f"The order is {order.state}."


def _ask_capture(order: Order) -> Question:
    text = f"Capture {_held(order)} now?"
    consequence = f"{_held(order)} are taken from the customer's card, whatever was shipped."
    return Question("Capture now", text, _facts(order), consequence)


def _capture(order: Order, act: Act) -> str:
    payment = settlement.take_now(order.pk, by=act.by, reason=act.reason)
    if payment.state == "capturing":
        return "Still capturing: the processor did not confirm. The sweep finishes it by itself."
    taken = Money(payment.captured_amount, order.currency)
    return f"The payment is {payment.state.replace('_', ' ')}: {taken} are taken."


# --- refund -------------------------------------------------------------------------------------


def _why_not_refund(order: Order) -> str:
    payment = order.payment
    if payment.is_disputed:
        return "The customer disputes it: the bank decides, and has the money already."
    if payment.state not in TAKEN or not _refundable(order).amount:
        return f"Its payment is {payment.state}: nothing can be given back."
    return "" if order.state != "canceling" else "The order is being canceled, and refunded."


def _ask_refund(order: Order) -> Question:
    consequence = (
        f"At most {_refundable(order)} can go back to the customer's card, within ten days."
        " The order stays as it is, and so does the stock; to undo the order, cancel it instead."
        f" One person alone can give back {alone.left(order.payment)} more of it."
    )
    return Question("Refund", f"Refund {order.public_number}?", _facts(order), consequence)


def _refund_form(order: Order) -> type[ReasonForm]:
    most = _refundable(order)

    class RefundForm(ReasonForm):
        amount = forms.CharField(
            max_length=24,
            initial=major_units(most.amount, most.currency),  # as it is read, without commas
            help_text=f"In {order.currency}, more than nothing and at most {most}.",
        )
        field_order = ["amount", "reason"]

        def clean_amount(self) -> Money:
            """A written amount within what is left to give back."""
            try:
                amount = Money.parse(self.cleaned_data["amount"].strip(), order.currency)
            except ValueError as error:
                raise forms.ValidationError(f"This is no amount: {error}.") from error
            if not 0 < amount.amount <= most.amount:
                raise forms.ValidationError(f"Between nothing and {most}, please.")
            return amount

    return RefundForm


def _refund(order: Order, act: Act) -> str:
    amount: Any = act.given["amount"]
    try:
        made = refunds.refund(
            order.payment_id, by=act.by, reason=act.reason, source=Source.STAFF,
            amount=amount.amount, operation_id=act.operation_id,
            guard=alone.refuse_if_large if act.is_alone else None,
        )  # fmt: skip
    except IntegrityError:
        return "This form was sent twice at the same moment; the refund was made once."
    if made.state == "failed":
        return f"The processor refused it ({made.failure_code}). Nothing was given back."
    return f"The refund of {amount} is {made.state}."


# --- a new hold ---------------------------------------------------------------------------------


def _why_not_ask_again(order: Order) -> str:
    if order.state not in repayment.MAY_BE_PAID:
        return f"The order is {order.state}."
    newest = repayment.newest(order.payment)
    if newest.state not in ("authorized", *_OVER):
        return f"Its payment is {newest.state}."
    return ""


def _ask_again(order: Order) -> Question:
    total = Money(order.payment.amount, order.currency)
    lives = order.payment.state == "authorized"
    consequence = (
        f"{'The old hold is released first. ' if lives else ''}{total} are held anew on the card"
        " the order was bought with. If the bank says no, the order waits for money and nothing"
        " is shipped."
    )
    return Question("Ask for a new hold", f"Hold {total} anew?", _facts(order), consequence)


def _hold_again(order: Order, act: Act) -> str:
    made = repayment.ask_again(order.pk, by=act.by, reason=act.reason, source=Source.STAFF)
    if made.state == "authorized":
        return "The bank holds the money anew; the order goes on with it in a moment."
    if made.state == "declined":
        return f"The bank said no ({made.decline_code}). The order waits for money."
    return f"The new hold is {made.state}: the processor did not confirm. The sweep goes on."


DEEDS: Final = (
    Deed(
        "cancel", "Cancel the order", "orders.cancel_order", _why_not_cancel, _ask_cancel, _cancel,
        stake=lambda order, _: _held(order) + _refundable(order),
    ),
    Deed(
        "capture", "Capture now", "payments.capture_payment", _why_not_capture, _ask_capture,
        _capture, stake=lambda order, _: _held(order),
    ),
    Deed(
        "refund", "Refund", "payments.refund_payment", _why_not_refund, _ask_refund, _refund,
        _refund_form, stake=lambda _, given: given.get("amount"),
    ),
    Deed(
        "reauthorize", "Ask for a new hold", "orders.reauthorize_order", _why_not_ask_again,
        _ask_again, _hold_again,
        stake=lambda order, _: Money(order.payment.amount, order.currency),
    ),
)  # fmt: skip
