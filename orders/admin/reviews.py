"""Asking staff to approve or reject a checkout in review, and telling what became of it."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from foundation import approvals
from foundation.approvals import Verb
from foundation.desk import confirm, four_eyes
from foundation.desk.confirm import Question
from foundation.desk.four_eyes import Wish
from foundation.desk.sections import Facts
from foundation.desk.staff import PageAdmin, badge, who
from foundation.models import Approval
from foundation.money import Money
from orders import reviews
from orders.models import Checkout

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
    return confirm.once(
        request,
        page.page_context(request, row),
        _question(row, verb),
        seen=_stands(row.pk),
        why_not="" if is_waiting(row) else _now(row),
        do=partial(_decide, request, row, verb),
    )


def _stands(checkout_id: uuid.UUID) -> list[Any]:
    row = Checkout.objects.select_related("payment").get(pk=checkout_id)
    hold = row.payment.state if row.payment else ""
    return [str(row.pk), row.state, row.review_decision, hold]


def _wish(row: Checkout, verb: str) -> Wish:
    return Wish(_name(verb), "checkout", row.pk, Money(row.total_amount, row.currency))


def _name(verb: str) -> str:
    return f"checkout.{verb.lower()}"


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
    follows = f"{consequence}{_wish(row, verb).note}"
    return Question(verb, f"{verb} this checkout of {total}?", Facts("", facts), follows)


def _decide(request: HttpRequest, row: Checkout, verb: str, given: Mapping[str, Any]) -> None:
    reason = given["reason"]
    now = partial(_decide_now, request, row, verb, reason)
    four_eyes.alone_or_asked(request, _wish(row, verb), reason=reason, do=now)


def _decide_now(request: HttpRequest, row: Checkout, verb: str, reason: str) -> None:
    after = reviews.decide(row.pk, approved=verb == "Approve", by=who(request), reason=reason)
    tell = messages.success if after.ended_at is not None else messages.warning
    tell(request, _now(after))


def _approved(verb: str, approval: Approval) -> str:
    after = reviews.decide(
        approval.aggregate_id, approved=verb == "Approve", by=approval.asked_by,
        reason=approvals.told_reason(approval),
    )  # fmt: skip
    return _now(after)


def _now(row: Checkout) -> str:
    decided = f"It was {row.review_decision}. " if row.review_decision else ""
    if row.state == "completed":
        return f"{decided}The order is placed."
    if row.ended_at is not None:
        return f"{decided}Nothing is held and no order was placed."
    if row.review_decision:
        return f"{decided}It is {row.state} still; the sweep finishes it by itself."
    return f"It is {row.state}, and waits for no decision."


for _verb in VERBS:
    approvals.register(
        _name(_verb),
        Verb(f"{_verb} the checkout", "orders.review_checkout", _stands, partial(_approved, _verb)),
    )
