"""Refusals on the wire: `application/problem+json` (RFC 9457), the same for every endpoint."""

from typing import Any, Final

import orjson
from django.conf import settings

from foundation.errors import DomainError
from foundation.idempotency import Answer

CONTENT_TYPE: Final = "application/problem+json"


def problem(error: DomainError, *, instance: str = "", request_id: str = "") -> dict[str, Any]:
    """The body: RFC 9457's members first, then ours. Never a stack, SQL or a host name."""
    body: dict[str, Any] = {
        "type": f"{settings.PROBLEM_BASE_URL}/v1/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": instance,
        "code": error.code,
        "request_id": request_id,
        "retryable": error.retryable,
        "retry_with": error.retry_with,
    }
    if error.errors:
        body["errors"] = error.errors
    return body | error.extra


def answer(error: DomainError, *, instance: str = "", request_id: str = "") -> Answer:
    """The refusal as a response that can be stored and replayed byte for byte."""
    body = orjson.dumps(problem(error, instance=instance, request_id=request_id))
    return Answer(error.status, body, {"Content-Type": CONTENT_TYPE, **error.headers})
