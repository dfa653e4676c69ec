"""Every request has an id: the caller's when it is a sane one, else ours; echoed and logged.

A caller that traces sends `traceparent`: see `foundation/tracing.py`.
"""

import re
from collections.abc import Callable
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse

from foundation import tracing
from foundation.card_numbers import contains_card_number
from foundation.ids import new_id, public

_SANE: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIdMiddleware:
    """Sets `request.request_id`, binds it to the log context, echoes `Request-Id`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.headers.get("Request-Id", "")
        is_sane = _SANE.fullmatch(asked) and not contains_card_number(asked)  # it is stored
        request_id = asked if is_sane else public("req", new_id())
        request.request_id = request_id  # type: ignore[attr-defined]
        trace = tracing.read(request.headers.get(tracing.HEADER))
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            tracing.followed(trace),
        ):
            response = self.get_response(request)
        response.headers["Request-Id"] = request_id
        return response
