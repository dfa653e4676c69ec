"""The mails of an order: which went out, what each says, and sending one again.

A preview is written from the rows as they are now, in the very words that would be mailed, and is
shown in a frame that may run and load nothing. Nothing is sent by looking.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from foundation.desk.confirm import Question, ReasonForm
from foundation.desk.sections import Facts, Table
from foundation.desk.staff import PageAdmin, badge, when
from orders import letters, mails, notifications
from orders.admin.deeds import Act, Deed
from orders.letters import Letter
from orders.models import Notification, Order

_SHOWN_MAX: Final = 20  # an order shipped or refunded in more parts shows the newest


@dataclass(frozen=True)
class Preview:
    """One letter as a section of a page."""

    title: str
    letter: Letter
    recipient: str
    note: str
    width: ClassVar[str] = "full"
    template: ClassVar[str] = "orders/admin/letter.html"


def name_of(mail: Notification) -> str:
    """What it is, as a person would say it: "fulfillment shipped 2"."""
    return f"{mail.template.replace('_', ' ')} {mail.number or ''}".strip()


def table(order: Order) -> Table:
    """Every mail of an order, each version, with what became of it."""
    return Table(
        "Notifications",
        ("Message", "Version", "To", "State", "When", "Tries", "Why"),
        [
            (
                name_of(mail), mail.version, mail.recipient, badge(mail.state),
                when(mail.sent_at or mail.given_up_at or mail.obsolete_at), mail.attempts,
                f"{mail.actor}: {mail.reason}" if mail.reason else mail.last_error,
            )
            for mail in order.notifications.order_by("created_at", "pk")
        ],
        numbers=("Version", "Tries"),
    )  # fmt: skip


def page(model_admin: PageAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Every mail there is for an order, written or to come, in text and HTML."""
    order: Order | None = model_admin.found(request, object_id)
    if order is None:
        return model_admin.missing(request, object_id)
    back = ("Back to the order", model_admin.page_context(request, order)["row_url"])
    context = model_admin.page_context(request, order) | {
        "title": f"The e-mails of {order.public_number}",
        "sections": list(_previews(order)),
        "buttons": [back],
    }
    return TemplateResponse(request, model_admin.page_template, context)


def _previews(order: Order) -> Iterator[Preview]:
    """Those that were written, as they would be sent again now, and an example of the others."""
    written = mails.last_versions(order)
    for mail in written[-_SHOWN_MAX:]:
        letter = letters.write(order, notifications.topic_of(mail))
        note = f"Version {mail.version}: {mail.state.replace('_', ' ')}."
        yield Preview(name_of(mail).capitalize(), letter, mail.recipient, note)
    for template in letters.TEMPLATES:
        if template not in {mail.template for mail in written}:
            letter = letters.example(order, template)
            title = template.replace("_", " ").capitalize()
            yield Preview(title, letter, order.email, "An example: it was not sent.")


# --- sending one again --------------------------------------------------------------------------


def _sendable(order: Order) -> Iterator[Notification]:
    """One after the other: each is asked about, and a page mostly wants to know of the first."""
    return (mail for mail in mails.last_versions(order) if not mails.why_not_again(mail))


def _why_not(order: Order) -> str:
    found = next(_sendable(order), None)
    return "" if found else "There is no e-mail of it that could be sent again."


def _question(order: Order) -> Question:
    consequence = (
        f"The e-mail is written anew from what is known now and sent to {order.email}, as the next"
        " version beside those that went before. It can not be called back."
    )
    facts = Facts("", [("Order", order.public_number), ("E-mail", order.email)])
    text = f"Send an e-mail of {order.public_number} again?"
    return Question("Send again", text, facts, consequence)


def _form(order: Order) -> type[ReasonForm]:
    choices = [(str(mail.pk), f"{name_of(mail)}, version {mail.version}: {mail.state}")
               for mail in _sendable(order)]  # fmt: skip

    class ResendForm(ReasonForm):
        mail = forms.ChoiceField(choices=choices, label="E-mail")
        field_order = ["mail", "reason"]

    return ResendForm


def _resend(_: Order, act: Act) -> str:
    try:
        made = mails.resend(act.given["mail"], mails.Again(act.by, act.reason, act.operation_id))
    except OSError as error:  # whatever a mail server can do
        return f"Not sent yet ({error}); it is tried again by itself."
    return f"Version {made.version} is {made.state}."


DEEDS: Final = (
    Deed(
        "resend", "Send an e-mail again", "orders.resend_notification", _why_not, _question,
        _resend, _form,
    ),
)  # fmt: skip
