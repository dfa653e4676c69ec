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
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path

from foundation import approvals, confirm
from foundation.approvals import Verb
from foundation.confirm import Question, ReasonForm
from foundation.errors import DomainError
from foundation.models import Approval
from foundation.money import Money
from foundation.staff import PageAdmin, action_url, person, who
from orders.models import Order

_FORMS: Final = uuid.UUID("5f0f5a1e-7d0c-4c57-9a53-6f1d1a6f2b11")  # a name space of our own


@dataclass(frozen=True)
class Act:
    """One form, filled in: by whom, why, with what, and an id that a repeat of it has too."""

    by: str
    reason: str
    given: Mapping[str, Any]
    operation_id: uuid.UUID


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
        verb = Verb(deed.verb, deed.permission, partial(_stands, deed), partial(_approved, deed))
        approvals.register(deed.name, verb)


def _stands(deed: Deed, order_id: uuid.UUID) -> list[Any]:
    order = Order.objects.select_related("payment").get(pk=order_id)
    seen: list[Any] = _seen(order, deed)["seen"]
    return seen


def _approved(deed: Deed, approval: Approval) -> str:
    order = Order.objects.select_related("payment", "checkout").get(pk=approval.aggregate_id)
    if why_not := deed.why_not(order):
        raise NotNow(why_not)
    given = {"amount": Money(approval.amount, approval.currency)}
    reason = approvals.told_reason(approval)
    return deed.do(order, Act(approval.asked_by, reason, given, approvals.operation_id(approval)))


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
    context = page.page_context(request, order)
    form = deed.form(order)(
        request.POST or None, initial={"token": confirm.token(request, **_seen(order, deed))}
    )
    if why_not := deed.why_not(order):
        messages.error(request, f"Nothing was done. {why_not}")
    elif request.method == "POST" and not _fits(request, order, deed):
        messages.error(request, "Nothing was done: the form is out of date. Open it again.")
    elif request.method == "POST" and form.is_valid():
        _do(request, order, deed, form.cleaned_data)
    else:
        question = deed.question(order)
        note = approvals.note(deed.stake(order, {}))
        asked = replace(question, consequence=f"{question.consequence}{note}")
        return confirm.ask(request, context, asked, form)
    return HttpResponseRedirect(context["row_url"])


def _do(request: HttpRequest, order: Order, deed: Deed, given: Mapping[str, Any]) -> None:
    operation_id = uuid.uuid5(_FORMS, given["token"])
    act = Act(who(request), given["reason"], given, operation_id)
    stake = deed.stake(order, given)
    try:
        if stake is not None and approvals.takes_two(stake):
            messages.warning(request, _ask_another(request, order, deed, stake, act))
        else:
            messages.success(request, deed.do(order, act))
    except DomainError as refusal:
        messages.error(request, f"Nothing was done. {refusal.detail}")


def _ask_another(request: HttpRequest, order: Order, deed: Deed, stake: Money, act: Act) -> str:
    asked = approvals.ask(
        deed.name, aggregate="order", row_id=order.pk, stake=stake, user=person(request),
        by=act.by, reason=act.reason,
    )  # fmt: skip
    return approvals.told(asked)


def _seen(order: Order, deed: Deed) -> dict[str, Any]:
    """Whatever a deed changes makes an older form useless."""
    payment = order.payment
    sent = order.fulfillments.exclude(state="pending").count()
    seen = [
        str(order.pk), order.state, str(payment.pk), payment.state, payment.lease_token,
        payment.refunded_amount, payment.refund_pending_amount, sent,
    ]  # fmt: skip
    return {"verb": deed.verb, "seen": seen}


def _fits(request: HttpRequest, order: Order, deed: Deed) -> bool:
    return confirm.fits(request, request.POST.get("token", ""), **_seen(order, deed))
