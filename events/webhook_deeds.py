"""What staff may do about webhooks: each on a page of its own, with a reason, on record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from events import endpoints, replay, signatures
from events.models import WebhookDelivery, WebhookEndpoint
from foundation.desk import confirm
from foundation.desk.confirm import Question
from foundation.desk.sections import Facts
from foundation.desk.staff import PageAdmin, action_url, who
from foundation.errors import DomainError

PERMISSION: Final = "events.operate_webhooks"
Row = WebhookEndpoint | WebhookDelivery


@dataclass(frozen=True)
class Done:
    """What became of it, and a secret that is shown this once."""

    told: str
    secret: str = ""


@dataclass(frozen=True)
class Deed:
    """`why_not(row)` → "" when it can be done now; `do(row, by, reason)` does it."""

    slug: str
    verb: str
    consequence: str
    why_not: Callable[[Any], str]
    do: Callable[[Any, str, str], Done]


def routes(page: PageAdmin, deeds: tuple[Deed, ...]) -> list[URLPattern]:
    """An address for each deed."""
    name = f"{page.opts.app_label}_{page.opts.model_name}"
    return [
        path(
            f"<str:object_id>/{deed.slug}/",
            page.admin_site.admin_view(_view(page, deed)),
            name=f"{name}_{deed.slug}",
        )
        for deed in deeds
    ]


def buttons(
    page: PageAdmin, request: HttpRequest, row: Row, deeds: tuple[Deed, ...]
) -> list[tuple[str, str]]:
    """(text, address) of the deeds that are open to this person now."""
    if not request.user.has_perm(PERMISSION):
        return []
    due = [deed for deed in deeds if not deed.why_not(row)]
    return [(f"{deed.verb}…", action_url(page, deed.slug, row)) for deed in due]


def _view(page: PageAdmin, deed: Deed) -> Callable[[HttpRequest, str], HttpResponse]:
    def view(request: HttpRequest, object_id: str) -> HttpResponse:
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        row = page.found(request, object_id)
        return (
            page.missing(request, object_id) if row is None else _answer(page, request, row, deed)
        )

    return view


def _answer(page: PageAdmin, request: HttpRequest, row: Row, deed: Deed) -> HttpResponse:
    facts = Facts(str(row), page.sections(row)[0].pairs)
    return confirm.once(
        request,
        page.page_context(request, row),
        Question(deed.verb, f"{deed.verb}: {row}?", facts, deed.consequence),
        seen=_seen(row),
        why_not=deed.why_not(row),
        do=partial(_do, page, request, row, deed),
    )


def _seen(row: Row) -> list[str]:
    """What a repeat of the form, or a form drawn before somebody else acted, no longer fits."""
    if isinstance(row, WebhookDelivery):
        return [str(row.pk), row.state, str(row.attempts), str(row.due_at)]
    return [str(row.pk), row.state, str(row.previous_until)]


def _do(
    page: PageAdmin, request: HttpRequest, row: Row, deed: Deed, given: Mapping[str, Any]
) -> HttpResponse | None:
    """A page of its own only for a secret; else it leads back to the row."""
    try:
        done = deed.do(row, who(request), given["reason"])
    except DomainError as refusal:
        messages.error(request, f"Nothing was done. {refusal.detail}")
        return None
    messages.success(request, done.told)
    if not done.secret:
        return None
    # Not by a message: those wait in a cookie.
    shown = Facts("Its new secret, shown this once", [("Secret", done.secret)])
    context = page.page_context(request, row) | {"sections": [shown]}
    response = TemplateResponse(request, page.page_template, context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _disable(row: WebhookEndpoint, by: str, reason: str) -> Done:
    endpoints.change(row.pk, {"state": "disabled"}, by=by, reason=reason)
    return Done("It is disabled: nothing is told to it.")


def _enable(row: WebhookEndpoint, by: str, reason: str) -> Done:
    endpoints.change(row.pk, {"state": "enabled"}, by=by, reason=reason)
    return Done("It is enabled; what waits for it is sent within a second.")


def _rotate(row: WebhookEndpoint, by: str, reason: str) -> Done:
    changed = endpoints.rotate(row.pk, by=by, reason=reason)
    until = f"{changed.previous_until:%Y-%m-%d %H:%M} UTC"
    return Done(f"Both secrets sign until {until}.", signatures.shown(bytes(changed.secret)))


def _again(row: WebhookDelivery, by: str, reason: str) -> Done:
    replay.again(row.pk, by=by, reason=reason)
    return Done("It is sent again within a second. Reload to see what came of it.")


def _not_in(state: str) -> Callable[[Row], str]:
    return lambda row: "" if row.state == state else f"It is {row.state}."


def _why_not_again(row: WebhookDelivery) -> str:
    if row.endpoint.state != "enabled":
        return f"Its endpoint is {row.endpoint.state}."
    return "" if row.state in ("sent", "dead", "retrying") else f"It is {row.state}."


ENDPOINT_DEEDS: Final = (
    Deed(
        "disable", "Disable",
        "Nothing is told to it until it is enabled again. What happens meanwhile is not sent"
        " afterwards, unless its client asks for a replay.",
        _not_in("enabled"), _disable,
    ),
    Deed(
        "enable", "Enable",
        "What waits for it is sent again, and what happens from now on.",
        _not_in("disabled"), _enable,
    ),
    Deed(
        "rotate", "Rotate secret",
        "It gets a new secret, which is shown once, to you: hand it to its client by a safe way."
        " The one before goes on signing as well for a while.",
        lambda row: "It is removed." if row.state == "deleted" else "", _rotate,
    ),
)  # fmt: skip
DELIVERY_DEEDS: Final = (
    Deed(
        "again", "Send again",
        "It is sent again now under the id it has, with all the tries of the schedule.",
        _why_not_again, _again,
    ),
)  # fmt: skip
