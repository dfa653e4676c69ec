"""Moving something for a person: a page that asks first, a reason, and a form that counts once.

The form carries a token of what the person saw (who, which row, how often it had been moved).
Sent twice, or after somebody else acted, it no longer fits, and nothing is done. What makes
two at once safe is not the token but the guarded UPDATE behind the verb.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from foundation.sections import Facts

REASON_MAX: Final = 500
TOKEN_SECONDS: Final = 3600
_SALT: Final = "foundation.confirm"


class ReasonForm(forms.Form):
    """Why, in a person's words; it goes on record."""

    reason = forms.CharField(
        max_length=REASON_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
        help_text="Goes on record with your name. At most 500 characters.",
    )
    token = forms.CharField(widget=forms.HiddenInput)


@dataclass(frozen=True)
class Question:
    """What the person is asked: one row, one verb, and what follows from it."""

    verb: str
    text: str
    facts: Facts
    consequence: str


def token(request: HttpRequest, *, verb: str, seen: Any) -> str:
    """For this person, this verb, and the row as it stands now (`seen`)."""
    return signing.dumps([request.user.pk, verb, seen], salt=_SALT)


def fits(request: HttpRequest, text: str, *, verb: str, seen: Any) -> bool:
    """Whether the row still is what this person saw when the form was drawn."""
    try:
        held = signing.loads(text, salt=_SALT, max_age=TOKEN_SECONDS)
    except signing.BadSignature:
        return False
    return bool(held == [request.user.pk, verb, seen])


def ask(
    request: HttpRequest, context: Mapping[str, Any], question: Question, form: ReasonForm
) -> HttpResponse:
    """The page that asks; 200 at first, 422 when the form came back unfinished."""
    page = {
        **context,
        "verb": question.verb,
        "question": question.text,
        "title": question.text,
        "facts": question.facts,
        "consequence": question.consequence,
        "form": form,
    }
    status = 422 if form.is_bound else 200
    return TemplateResponse(request, "foundation/admin/confirm.html", page, status=status)


def once(
    request: HttpRequest,
    context: Mapping[str, Any],
    question: Question,
    *,
    seen: Any,
    why_not: str,
    do: Callable[[str], None],
) -> HttpResponse:
    """Ask; and, asked with a reason about the row as it stands, `do(reason)` and go back to it.

    `why_not`: why it can not be done as things are, "" when it can. `do` says what became of it.
    """
    marks = {"verb": question.verb, "seen": seen}
    form = ReasonForm(request.POST or None, initial={"token": token(request, **marks)})
    is_post = request.method == "POST"
    if why_not:
        messages.error(request, f"Nothing was done: {why_not}")
    elif is_post and not fits(request, request.POST.get("token", ""), **marks):
        messages.error(request, "Nothing was done: the form is out of date. Open it again.")
    elif is_post and form.is_valid():
        do(form.cleaned_data["reason"])
    else:
        return ask(request, context, question, form)
    return HttpResponseRedirect(context["row_url"])
