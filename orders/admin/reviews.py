"""Asking staff to approve or reject a checkout in review, and telling what became of it."""

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from foundation import confirm
from foundation.confirm import Question, ReasonForm
from foundation.money import Money
from foundation.sections import Facts
from foundation.staff import PageAdmin, badge, who
from orders import reviews
from orders.models import Checkout
from orders.reviews import NotInReview

VERBS: Final = ("Approve", "Reject")


def may_decide(request: HttpRequest) -> bool:
    """Whether this person has the permission."""
    return request.user.has_perm("orders.review_checkout")


def is_waiting(row: Checkout) -> bool:
    """Whether a decision is still asked for."""
    return row.state == "in_review" and not row.review_decision


def answer(page: PageAdmin, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
    """The page that asks, or the decision carried out and told."""
    if not may_decide(request):
        raise PermissionDenied
    row: Checkout | None = page.found(request, object_id)
    if row is None:
        return page.missing(request, object_id)
    context = page.page_context(request, row)
    form = ReasonForm(
        request.POST or None, initial={"token": confirm.token(request, **_seen(row, verb))}
    )
    if not is_waiting(row):
        messages.error(request, f"Nothing was done. {_now(row)}")
    elif request.method == "POST" and not _fits(request, row, verb):
        messages.error(request, "Nothing was done: the form is out of date. Open it again.")
    elif request.method == "POST" and form.is_valid():
        _decide(request, row, verb, form.cleaned_data["reason"])
    else:
        return confirm.ask(request, context, _question(row, verb), form)
    return HttpResponseRedirect(context["row_url"])


def _seen(row: Checkout, verb: str) -> dict[str, Any]:
    return {"verb": verb, "seen": [str(row.pk), row.state, row.review_decision]}


def _fits(request: HttpRequest, row: Checkout, verb: str) -> bool:
    return confirm.fits(request, request.POST.get("token", ""), **_seen(row, verb))


def _question(row: Checkout, verb: str) -> Question:
    total = Money(row.total_amount, row.currency)
    reasons = " ".join(reason["detail"] for reason in row.risk.get("reasons", []))
    facts = [
        ("Checkout", row.reference),
        ("Total", total),
        ("E-mail", row.email),
        ("Customer", row.customer_reference),
        ("Risk", badge(row.risk_outcome)),
        ("Because", reasons),
    ]
    consequence = (
        f"The order is placed now: the held {total} will be captured and the goods shipped."
        if verb == "Approve"
        else f"The hold of {total} is released, the stock returned, and no order is placed."
    )
    return Question(verb, f"{verb} this checkout of {total}?", Facts("", facts), consequence)


def _decide(request: HttpRequest, row: Checkout, verb: str, reason: str) -> None:
    try:
        after = reviews.decide(row.pk, approved=verb == "Approve", by=who(request), reason=reason)
    except NotInReview as refusal:
        messages.error(request, f"Nothing was done. {refusal.detail}")
        return
    tell = messages.success if after.ended_at is not None else messages.warning
    tell(request, _now(after))


def _now(row: Checkout) -> str:
    decided = f"It was {row.review_decision}. " if row.review_decision else ""
    if row.state == "completed":
        return f"{decided}The order is placed."
    if row.ended_at is not None:
        return f"{decided}Nothing is held and no order was placed."
    if row.review_decision:
        return f"{decided}It is {row.state} still; the sweep finishes it by itself."
    return f"It is {row.state}, and waits for no decision."
