"""Marking what an order owes as shipped, and ending it with what was, by a person."""

from typing import Final

from django import forms

from foundation.desk.confirm import Question, ReasonForm
from foundation.desk.sections import Facts
from foundation.errors import DomainError
from foundation.money import Money
from orders import alone, completion, fulfillment
from orders.admin.deeds import Act, Deed
from orders.cancellation import coverage
from orders.models import Fulfillment, Order, Settlement
from payments.admin import amounts


def _pending(order: Order) -> list[Fulfillment]:
    rows = order.fulfillments.filter(state="pending").order_by("sequence")
    return list(rows.prefetch_related("lines__order_line"))


def contents(shipment: Fulfillment) -> str:
    """What is in it, as a person would say it."""
    return ", ".join(f"{part.quantity} of {part.order_line.sku}" for part in shipment.lines.all())


def _why_not(order: Order) -> str:
    if order.state != "fulfilling":
        return f"The order is {order.state}."
    return "" if order.fulfillments.filter(state="pending").exists() else "Nothing is owed."


def _question(order: Order) -> Question:
    money = {
        Settlement.ON_FULFILLMENT: "What ships is captured.",
        Settlement.MANUAL: "Nothing is captured by itself.",
    }.get(Settlement(order.settlement_policy), "The money is taken by the order's own policy.")
    consequence = (
        f"The goods leave the shelf and the customer is told by e-mail. {money} It is refused when"
        " no live hold and no capture pays for it. This can not be undone."
    )
    facts = Facts("", [("Order", order.public_number), ("Ships by", order.shipping_method)])
    return Question("Mark shipped", f"Ship {order.public_number}?", facts, consequence)


def _form(order: Order) -> type[ReasonForm]:
    class ShipForm(ReasonForm):
        shipment = forms.ModelChoiceField(
            queryset=order.fulfillments.filter(state="pending").order_by("sequence"),
            empty_label=None,
        )
        carrier = forms.CharField(max_length=64, required=False)
        tracking_number = forms.RegexField(r"^[A-Za-z0-9 ._/-]*$", max_length=64, required=False)
        field_order = ["shipment", "carrier", "tracking_number", "reason"]

    labels = {row.pk: f"No. {row.sequence}: {contents(row)}" for row in _pending(order)}
    field = ShipForm.base_fields["shipment"]
    field.label_from_instance = lambda row: labels.get(row.pk, str(row))  # type: ignore[attr-defined]
    return ShipForm


def _ship(_: Order, act: Act) -> str:
    wanted = fulfillment.Change(
        "shipped", act.given["carrier"] or None, act.given["tracking_number"] or None
    )
    chosen: Fulfillment = act.given["shipment"]
    fulfillment.change(chosen.pk, wanted, by=act.by, reason=act.reason)
    return f"{contents(chosen)}: shipped."


def _why_not_complete(order: Order) -> str:
    try:
        completion.refuse_unless_completable(order)
    except DomainError as refusal:
        return refusal.detail
    return ""


def _ask_complete(order: Order) -> Question:
    shipped = completion.worth_of_shipped(order)
    held = Money(order.payment.capturable, order.currency)
    kept = Money(coverage.kept_amount(order), order.currency)
    consequence = (
        "The order is completed: what was not shipped is not owed any more, and its stock is for"
        f" sale again.{f' The hold of {held} is released.' if held.amount else ''} Nothing is"
        f" given back by this, and the customer is not told: agree with him first.{_told(kept)}"
        " This can not be undone."
    )
    pairs = [("Order", order.public_number), ("Shipped", shipped), *amounts(order.payment)]
    text = f"Complete {order.public_number} with what was shipped?"
    return Question("Complete with what was shipped", text, Facts("", pairs), consequence)


def _told(kept: Money) -> str:
    return f" {kept} were taken for it, and a case asks to give them back." if kept.amount else ""


def _complete(order: Order, act: Act) -> str:
    guard = alone.refuse_if_large if act.is_alone else None
    completion.complete_with_what_shipped(order.pk, by=act.by, reason=act.reason, guard=guard)
    return "Completed with what was shipped."


DEEDS: Final = (
    Deed("ship", "Mark shipped", "orders.ship_order", _why_not, _question, _ship, _form),
    Deed(
        "complete", "Complete with what was shipped", "orders.cancel_order", _why_not_complete,
        _ask_complete, _complete,
        stake=lambda order, _: Money(order.payment.capturable, order.currency),
    ),
)  # fmt: skip
