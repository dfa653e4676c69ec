"""Moving something for a person: a page that asks first, a reason, and a form that counts once.

The form carries a token of what the person saw (who, which row, how often it had been moved).
Sent twice, or after somebody else acted, it no longer fits, and nothing is done. What makes
two at once safe is not the token but the guarded UPDATE behind the verb.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from foundation.desk.sections import Facts

REASON_MAX: Final = 500
TOKEN_SECONDS: Final = 3600
_SALT: Final = "foundation.confirm"
_OUTDATED: Final = "It moved since, or the form is out of date: open it again."
# Control characters but for ends of lines, and those that turn the direction of what follows:
# on a record they hide or rearrange what others read.
_HIDING: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class ReasonForm(forms.Form):
    """Why, in a person's words; it goes on record."""

    reason = forms.CharField(
        max_length=REASON_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
        help_text="Goes on record with your name. At most 500 characters.",
    )
    token = forms.CharField(widget=forms.HiddenInput)

    def clean_reason(self) -> str:
        """Something that others can read."""
        reason = str(self.cleaned_data["reason"])
        if _HIDING.search(reason) or not any(map(str.isalnum, reason)):
            raise forms.ValidationError("In words that others can read, please.")
        return reason


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


def once(  # noqa: PLR0913 - whatever differs between the pages that ask
    request: HttpRequest,
    context: Mapping[str, Any],
    question: Question,
    *,
    seen: Any,
    why_not: str,
    do: Callable[[Mapping[str, Any]], HttpResponse | None],
    form: type[ReasonForm] = ReasonForm,
) -> HttpResponse:
    """Ask; and, asked with a reason about the row as it stands, `do(what was filled in)`.

    `why_not`: why it can not be done as things are, "" when it can. `do` says what became of it,
    and may answer with a page of its own; else this leads back to the row.
    """
    marks = {"verb": question.verb, "seen": seen}
    filled = form(request.POST or None, initial={"token": token(request, **marks)})
    answer: HttpResponse | None = None
    is_post = request.method == "POST"
    if why_not:
        messages.error(request, f"Nothing was done. {why_not}")
    elif is_post and not fits(request, request.POST.get("token", ""), **marks):
        messages.error(request, f"Nothing was done. {_OUTDATED}")
    elif is_post and filled.is_valid():
        answer = do(filled.cleaned_data)
    else:
        return ask(request, context, question, filled)
    return answer or HttpResponseRedirect(context["row_url"])
