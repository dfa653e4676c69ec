"""`GET /v1/problems` and `/v1/problems/{code}`: what a refusal means, and what to do then.

The `type` of every problem document leads here. What a class of refusal says of itself is told;
nothing is written a second time.
"""

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.edge.http import tagged
from foundation.errors import DomainError, NotFound
from reconciliation import collection

# Raised by a command only; it is told here all the same.
WINDOW_NOT_OVER: Final = collection.WindowNotOver
_BY_STATUS: Final = {
    400: "Correct the request, and send it again with the same Idempotency-Key.",
    401: "Send a valid API key: Authorization: Bearer sk_...",
    403: "Use a key that may do this.",
    404: "Check the id, and that the key is one of the client that made it.",
    405: "Use one of the methods that the Allow header names.",
    406: "Accept application/json.",
    411: "Send the same with its Content-Length.",
    412: "Read it again, decide again, and send the new ETag.",
    413: "Send less at once.",
    415: "Send the content type that is named.",
    422: "Correct what errors names, and send it again with the same Idempotency-Key.",
}
_BY_RETRY: Final = {
    "same_key": "Wait for Retry-After, then send the same request with the same Idempotency-Key.",
    "new_key": "What was tried is over. Change what was refused, and send it with a new key.",
    "none": "Do not send it again as it is: it would hear the same.",
}
_OUR_OWN_STATUS: Final = (400, 401, 403, 404, 405, 406, 411, 412, 413, 415)


class Problems(APIView):
    """GET /v1/problems."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        """Every refusal of this service, by its code."""
        return Response({"items": [explained(kind) for kind in kinds().values()]})


class OneProblem(APIView):
    """GET /v1/problems/{code}."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, code: str) -> HttpResponse:
        """One refusal: what it means, and what to do."""
        kind = kinds().get(code)
        if kind is None:
            raise NotFound("There is no problem of this code.")
        return tagged(request, explained(kind))


@cache
def kinds() -> dict[str, type[DomainError]]:
    """Every class of refusal with a code of its own, sorted by it."""
    return dict(sorted((kind.code, kind) for kind in _below(DomainError) if "code" in vars(kind)))


def explained(kind: type[DomainError]) -> dict[str, Any]:
    """What a class says of itself."""
    return {
        "type": f"{settings.PROBLEM_BASE_URL}/v1/problems/{kind.code}",
        "code": kind.code,
        "title": kind.title,
        "status": kind.status,
        "meaning": inspect.cleandoc(kind.__doc__ or kind.title),
        "what_to_do": what_to_do(kind),
        "retryable": kind.retryable,
        "retry_with": kind.retry_with,
    }


def what_to_do(kind: type[DomainError]) -> str:
    """The next step of whoever hears it."""
    is_to_be_corrected = kind.status == 422 and kind.retry_with == "same_key"
    if kind.status in _OUR_OWN_STATUS or is_to_be_corrected:
        return _BY_STATUS[kind.status]
    return _BY_RETRY[kind.retry_with]


def _below(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)
