"""Matching by hand from a break's page: what belongs to it, both sides to look at, then yes."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from foundation import ids
from foundation.desk import confirm
from foundation.desk.confirm import Question, ReasonForm
from foundation.desk.sections import Facts
from foundation.desk.staff import PageAdmin, page_of, who
from foundation.errors import DomainError
from foundation.money import Money
from foundation.transactions import durable
from reconciliation import by_hand
from reconciliation.by_hand import Claim, Seen
from reconciliation.models import Match, ReconciliationBreak
from reconciliation.states import UNSETTLED

PERMISSION: Final = "reconciliation.match_break"
_FOLLOWS: Final = (
    "From now on all of it is compared as one sum on each side. The breaks that are none any more "
    "end; what differs stays one. It can be taken back."
)
_BACK: Final = "What ended by it is open again, and each side is compared for itself."


class MatchForm(ReasonForm):
    """What belongs to the break, and why."""

    payments = forms.CharField(
        required=False, max_length=4000, help_text="pay_… of ours, with spaces between."
    )
    references = forms.CharField(
        required=False, max_length=4000, label="More ids of the processor's",
        help_text="That belong to it besides the break's own, with spaces between.",
    )  # fmt: skip
    keeps_difference = forms.BooleanField(
        required=False, help_text="What the two sides differ by may stay a break."
    )
    field_order = ("payments", "references", "keeps_difference", "reason", "token")

    def clean_payments(self) -> list[uuid.UUID]:
        """As ids."""
        found = [ids.parse("pay", text) for text in self.cleaned_data["payments"].split()]
        if None in found:
            raise forms.ValidationError("A payment is named by its pay_… id.")
        return [each for each in found if each is not None]

    def claim(self) -> Claim:
        """Of a form that is valid."""
        given = self.cleaned_data
        return Claim(
            given["payments"], given["reason"], given["references"].split(),
            given["keeps_difference"],
        )  # fmt: skip


def buttons(request: HttpRequest, row: ReconciliationBreak) -> list[tuple[str, str]]:
    """Match it, or take its match back, as far as this person may."""
    if not request.user.has_perm(PERMISSION):
        return []
    if _match_of(row) is not None:
        return [("Take the match back…", _address(row, "unmatch"))]
    if row.state in UNSETTLED and row.processor_reference:
        return [("Match by hand…", _address(row, "match"))]
    return []


def match(page: PageAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Asks what belongs to it, shows both sides, and does it when just that was seen."""
    row = _row(page, request, object_id)
    if row is None:
        return page.missing(request, object_id)
    form = MatchForm(request.POST or None, initial={"payments": _guessed(row), "token": "-"})
    seen = _seen(row, form) if form.is_valid() else None
    if seen is None:
        return _ask(page, request, row, form, None)
    what = _token_of(row, form.claim(), seen)
    if not confirm.fits(request, form.cleaned_data["token"], verb="match", seen=what):
        sent = request.POST.copy()
        sent["token"] = confirm.token(request, verb="match", seen=what)
        form.data = sent
        return _ask(page, request, row, form, seen)
    _do(request, lambda: by_hand.match(row.pk, form.claim(), by=who(request)), "It is matched.")
    return HttpResponseRedirect(page_of("reconciliationbreak", row.pk))


def unmatch(page: PageAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Asks, and takes it back."""
    row = _row(page, request, object_id)
    if row is None:
        return page.missing(request, object_id)
    made = _match_of(row)
    if made is None:
        messages.error(request, "Nothing was done. No match of it stands.")
        return HttpResponseRedirect(page_of("reconciliationbreak", row.pk))
    facts = Facts("", [("Match", made.reference), ("By", made.matched_by), *_sides(made)])
    return confirm.once(
        request,
        page.page_context(request, row),
        Question("Take back", f"the match of {row.reference}", facts, _BACK),
        seen=str(made.pk),
        why_not="",
        do=partial(_take_back, request, made),
    )


def _take_back(request: HttpRequest, made: Match, given: Mapping[str, Any]) -> None:
    back = partial(by_hand.unmatch, made.pk, by=who(request), reason=given["reason"])
    _do(request, back, "The match is taken back.")


def _row(page: PageAdmin, request: HttpRequest, object_id: str) -> ReconciliationBreak | None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    found: ReconciliationBreak | None = page.found(request, object_id)
    return found


def _match_of(row: ReconciliationBreak) -> Match | None:
    """The one that stands, and by which this break ended or which was said of it."""
    standing = Match.objects.filter(account=row.account, undone=None)
    by_it = standing.filter(closed__contains=[str(row.pk)])
    return (by_it | standing.filter(broken=row)).order_by("-pk").first()


def _seen(row: ReconciliationBreak, form: MatchForm) -> Seen | None:
    """Both sides; or None with the refusal in the form. Nothing of it is written."""
    try:
        with transaction.atomic():
            seen = by_hand.look(row, form.claim())
            transaction.set_rollback(True)
    except DomainError as refusal:
        form.add_error(None, refusal.detail)
        return None
    return seen


def _ask(
    page: PageAdmin,
    request: HttpRequest,
    row: ReconciliationBreak,
    form: MatchForm,
    seen: Seen | None,
) -> HttpResponse:
    """The page that asks, with both sides once it is known what belongs to it."""
    facts: list[tuple[str, Any]] = [("At risk", Money(row.amount, row.currency))]
    if seen is not None:
        facts += _sides(seen)
        facts += [("Ends", f"{each.kind.replace('_', ' ')} {each.reference}") for each in seen.ends]
        if not seen.is_even:
            facts.append(("They differ", "say below that the rest may stay a break"))
    verb = "Match" if seen is not None else "Show both sides"
    text = f"Match by hand: {row.kind.replace('_', ' ')}"
    question = Question(verb, text, Facts("", facts), _FOLLOWS)
    return confirm.ask(request, page.page_context(request, row), question, form)


def _sides(shown: Seen | Match) -> list[tuple[str, Any]]:
    """Both, as money."""
    return [
        (f"{whose}: {name}", Money(amount, shown.currency))
        for whose, side in (("Ours", shown.ours), ("The processor's", shown.theirs))
        for name, amount in side.items()
        if amount
    ]


def _token_of(row: ReconciliationBreak, claim: Claim, seen: Seen) -> list[Any]:
    """What a person says yes to: the row as it stands, the claim, and both sides."""
    return [
        str(row.pk), row.state, row.assignee, sorted(map(str, claim.payments)),
        sorted(claim.references), claim.keeps_difference, seen.ours, seen.theirs,
        [str(each.pk) for each in seen.ends],
    ]  # fmt: skip


def _guessed(row: ReconciliationBreak) -> str:
    """The only payment that it may be, if there is one."""
    may_be = row.theirs.get("may_be", []) if isinstance(row.theirs, dict) else []
    return ids.public("pay", uuid.UUID(may_be[0])) if len(may_be) == 1 else ""


def _do(request: HttpRequest, do: Any, told: str) -> None:
    try:
        with durable():
            do()
    except DomainError as refusal:
        messages.error(request, f"Nothing was done. {refusal.detail}")
        return
    messages.success(request, told)


def _address(row: ReconciliationBreak, verb: str) -> str:
    return reverse(f"admin:reconciliation_reconciliationbreak_{verb}", args=[row.pk])
