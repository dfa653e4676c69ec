"""Refusals a caller can act on: each carries its code, its HTTP status and what to try next.

Raised by the domain, turned into `application/problem+json` in one place
(`checkout_project/problem_details.py`). Everything else that is raised is a bug.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

RetryWith = Literal["same_key", "new_key", "none"]


class DomainError(Exception):
    """A refusal. Subclasses set the class attributes; the instance says what happened here."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    retryable: ClassVar[bool] = False
    retry_with: ClassVar[RetryWith] = "none"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = [dict(error) for error in errors]
        self.headers = dict(headers or {})
        self.extra = extra


class MalformedRequest(DomainError):
    """The bytes could not be read as what they claim to be."""

    code, status, title = "malformed_request", 400, "The request could not be read"
    retryable, retry_with = True, "same_key"


class InvalidInput(DomainError):
    """Readable, but not acceptable; `errors` says where and why."""

    code, status, title = "invalid_request", 422, "The request is not valid"
    retryable, retry_with = True, "same_key"


class NotFound(DomainError):
    """It does not exist, or it is not this client's to see."""

    code, status, title = "not_found", 404, "No such resource"


class StoreUnavailable(DomainError):
    """PostgreSQL did not answer; nothing was started and nothing was sent to the processor."""

    code, status, title = (
        "idempotency_store_unavailable",
        503,
        "The store that guards against double charges is not available",
    )
    retryable, retry_with = True, "same_key"
