"""What staff may do with an order, each asked for on a page of its own.

A deed names its permission, says why it can not be done now (or ""), asks with the amount and the
consequence, wants a reason, and calls the verb that the API calls. The form counts once: its token
carries what the person saw.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from foundation import approvals
from foundation.approvals import Verb
from foundation.desk import confirm, four_eyes
from foundation.desk.confirm import Question, ReasonForm
from foundation.desk.four_eyes import Wish
from foundation.desk.staff import PageAdmin, action_url, who
from foundation.errors import DomainError
from foundation.models import Approval
from foundation.money import Money
from orders import alone
from orders.models import Order

_FORMS: Final = uuid.UUID("5f0f5a1e-7d0c-4c57-9a53-6f1d1a6f2b11")  # a name space of our own


@dataclass(frozen=True)
class Act:
    """One form, filled in: by whom, why, with what, and an id that a repeat of it has too.

    `is_alone`: no other person approved it.
    """

    by: str
    reason: str
    given: Mapping[str, Any]
    operation_id: uuid.UUID
    is_alone: bool = True


class NotNow(DomainError):
    """What was approved can not be done any more."""

    code, status, title = "deed_not_possible", 409, "This can not be done now"


@dataclass(frozen=True)
class Deed:
    """`why_not` → "" when it can be done; `do` → what became of it, in words.

    `stake` is the money it moves: above a limit it waits for a second person.
    """

    slug: str
    verb: str
    permission: str
    why_not: Callable[[Order], str]
    question: Callable[[Order], Question]
    do: Callable[[Order, Act], str]
    form: Callable[[Order], type[ReasonForm]] = lambda _: ReasonForm
    stake: Callable[[Order, Mapping[str, Any]], Money | None] = lambda *_: None

    @property
    def name(self) -> str:
        """What an approval knows it by."""
        return f"order.{self.slug}"

    def is_open_to(self, request: HttpRequest, order: Order) -> bool:
        """Whether this person may do it, and it can be done."""
        return request.user.has_perm(self.permission) and not self.why_not(order)


def register(deeds: tuple[Deed, ...]) -> None:
    """What of these another person may be asked to approve."""
    for deed in deeds:
        done = partial(_approved, deed)
        verb = Verb(deed.verb, deed.permission, _stands, done, _was_done)
        approvals.register(deed.name, verb)


def _stands(order_id: uuid.UUID) -> list[Any]:
    return _seen(Order.objects.select_related("payment").get(pk=order_id))


def _approved(deed: Deed, approval: Approval) -> str:
    order = Order.objects.select_related("payment", "checkout").get(pk=approval.aggregate_id)
    if why_not := deed.why_not(order):
        raise NotNow(why_not)
    given = {"amount": Money(approval.amount, approval.currency)}
    reason, operation_id = approvals.told_reason(approval), approvals.operation_id(approval)
    return deed.do(order, Act(approval.asked_by, reason, given, operation_id, is_alone=False))


def _was_done(approval: Approval) -> bool:
    """A deed is on record with the order, with its payment, or with the one before that."""
    order = Order.objects.select_related("payment").get(pk=approval.aggregate_id)
    payments = [order.payment_id, order.payment.replaces_id]
    return approvals.on_record(approval, [order.pk, *filter(None, payments)])


def routes(page: PageAdmin, deeds: tuple[Deed, ...]) -> list[URLPattern]:
    """An address for each deed."""
    return [
        path(
            f"<str:object_id>/{deed.slug}/",
            page.admin_site.admin_view(_view(page, deed)),
            name=f"orders_order_{deed.slug}",
        )
        for deed in deeds
    ]


def buttons(
    page: PageAdmin, request: HttpRequest, order: Order, deeds: tuple[Deed, ...]
) -> list[tuple[str, str]]:
    """(text, address) of the deeds that are open to this person now."""
    open_ones = [deed for deed in deeds if deed.is_open_to(request, order)]
    return [(f"{deed.verb}…", action_url(page, deed.slug, order)) for deed in open_ones]


def _view(page: PageAdmin, deed: Deed) -> Callable[[HttpRequest, str], HttpResponse]:
    def view(request: HttpRequest, object_id: str) -> HttpResponse:
        return _answer(page, request, object_id, deed)

    return view


def _answer(page: PageAdmin, request: HttpRequest, object_id: str, deed: Deed) -> HttpResponse:
    """GET asks, POST does it and says truthfully what became of it."""
    if not request.user.has_perm(deed.permission):
        raise PermissionDenied
    order: Order | None = page.found(request, object_id)
    if order is None:
        return page.missing(request, object_id)
    question = deed.question(order)
    note = _wish(order, deed, {}).note
    return confirm.once(
        request,
        page.page_context(request, order),
        replace(question, verb=deed.verb, consequence=f"{question.consequence}{note}"),
        seen=_seen(order),
        why_not=deed.why_not(order),
        do=partial(_do, request, order, deed),
        form=deed.form(order),
    )


def _wish(order: Order, deed: Deed, given: Mapping[str, Any]) -> Wish:
    stake = deed.stake(order, given)
    counted = stake and alone.with_earlier(order.payment, stake)
    return Wish(deed.name, "order", order.pk, stake, counted)


def _do(request: HttpRequest, order: Order, deed: Deed, given: Mapping[str, Any]) -> None:
    act = Act(who(request), given["reason"], given, uuid.uuid5(_FORMS, given["token"]))
    wish = _wish(order, deed, given)
    four_eyes.alone_or_asked(
        request, wish, reason=act.reason, do=lambda: messages.success(request, deed.do(order, act))
    )


def _seen(order: Order) -> list[Any]:
    """Whatever a deed changes makes an older form useless."""
    payment = order.payment
    sent = order.fulfillments.exclude(state="pending").count()
    return [
        str(order.pk), order.state, str(payment.pk), payment.state, payment.lease_token,
        payment.refunded_amount, payment.refund_pending_amount, sent,
    ]  # fmt: skip
