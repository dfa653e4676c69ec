"""Every request has an id: the caller's when it is a sane one, else ours; echoed and logged.

A caller that traces sends `traceparent` (W3C Trace Context): its ids are logged, and nothing else
is believed of it.
"""

import re
from collections.abc import Callable
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse

from foundation.card_numbers import contains_card_number
from foundation.ids import new_id, public

_SANE: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
# version, trace id, parent id, flags; a later version may say more after them
_TRACE: Final = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace_id>(?!0{32})[0-9a-f]{32})"
    r"-(?P<parent_id>(?!0{16})[0-9a-f]{16})-[0-9a-f]{2}(?P<more>-.*)?"
)


def traced(header: str) -> dict[str, str]:
    """The ids of a valid `traceparent`; nothing of any other."""
    found = _TRACE.fullmatch(header)
    if found is None or (found["version"] == "00" and found["more"]):
        return {}
    return {"trace_id": found["trace_id"], "parent_id": found["parent_id"]}


class RequestIdMiddleware:
    """Sets `request.request_id`, binds it to the log context, echoes `Request-Id`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.headers.get("Request-Id", "")
        is_sane = _SANE.fullmatch(asked) and not contains_card_number(asked)  # it is stored
        request_id = asked if is_sane else public("req", new_id())
        request.request_id = request_id  # type: ignore[attr-defined]
        known = {"request_id": request_id, **traced(request.headers.get("traceparent", ""))}
        with structlog.contextvars.bound_contextvars(**known):
            response = self.get_response(request)
        response.headers["Request-Id"] = request_id
        return response
