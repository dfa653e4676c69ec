"""Moving something for a person: a page that asks first, a reason, and a form that counts once.

The form carries a token of what the person saw (who, which row, how often it had been moved).
Sent twice, or after somebody else acted, it no longer fits, and nothing is done. What makes
two at once safe is not the token but the guarded UPDATE behind the verb.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core import signing
from django.http import HttpRequest, HttpResponse
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
