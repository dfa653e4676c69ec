"""The one translator: whatever a view raises becomes `application/problem+json` (RFC 9457)."""

import logging
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.views import set_rollback

from foundation.edge import problems
from foundation.edge.authentication import Unauthenticated
from foundation.edge.http import stored
from foundation.errors import DomainError, MalformedRequest, NotFound, StoreUnavailable
from foundation.transactions import sqlstate

_log = logging.getLogger(__name__)
# A standby that only reads; a statement planned before the schema changed under it.
_AWAY_FOR_NOW: Final = frozenset({"25006", "0A000"})
# What Django could not read, and what its caller hears.
_UNREADABLE: Final = (
    (RequestDataTooBig, "The body is too large."),
    (SuspiciousOperation, "There is more in it than is read: parameters, say."),
    (UnreadablePostError, "The body ended early."),
)


class ServerError(DomainError):
    """A bug. The caller learns the request's id, the log the rest."""

    code, status, title = "server_error", 500, "Something went wrong on our side"
    retryable, retry_with = True, "same_key"


class MethodNotAllowed(DomainError):
    """The path exists, the method does not."""

    code, status, title = "method_not_allowed", 405, "This method is not allowed here"


class NotAcceptable(DomainError):
    """We only speak JSON."""

    code, status, title = "not_acceptable", 406, "Only application/json can be produced"


class UnsupportedMediaType(DomainError):
    """Not what this path reads: JSON, or a report's own format."""

    code, status, title = "unsupported_media_type", 415, "This content type can not be read here"


def as_problem(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's exception handler."""
    set_rollback()
    translated = _translated(error, context)
    if translated is None:
        _log.error("unhandled error in a view", exc_info=error)
        # Whatever broke may have broken after the processor was asked.
        extra: dict[str, Any] = {}
        if context["request"].method == "POST":
            extra["charge_state"] = "unknown"
        translated = ServerError("The error was logged under the request's id.", **extra)
    return respond(translated, context["request"])


def respond(error: DomainError, request: Any) -> HttpResponse:
    """The refusal, as a response."""
    request_id = getattr(request, "request_id", "")
    answer = problems.answer(error, instance=request.path, request_id=request_id)
    return stored(answer, is_replay=False)


def _translated(error: Exception, context: dict[str, Any]) -> DomainError | None:
    if isinstance(error, DomainError):
        return error
    if _is_database_away(error):
        _log.warning("the database did not answer: %s", error)
        return StoreUnavailable(
            "Repeat the request with the same key; it tells what became of it.",
            headers={"Retry-After": "2"},
            # Nothing is sent before the store answers, but an earlier try with this key may have.
            charge_state="unknown",
        )
    if isinstance(error, (Http404, exceptions.NotFound)):
        return NotFound()
    if isinstance(error, exceptions.APIException):
        return _from_rest_framework(error, context)
    told = next((text for kind, text in _UNREADABLE if isinstance(error, kind)), None)
    return None if told is None else MalformedRequest(told)


def _is_database_away(error: Exception) -> bool:
    """No connection, no lock in time, no room, or a server that only reads (a standby)."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return True
    return isinstance(error, DatabaseError) and sqlstate(error) in _AWAY_FOR_NOW


def _from_rest_framework(error: exceptions.APIException, context: dict[str, Any]) -> DomainError:
    if isinstance(error, exceptions.MethodNotAllowed):
        return MethodNotAllowed(headers={"Allow": ", ".join(context["view"].allowed_methods)})
    if isinstance(error, exceptions.NotAcceptable):
        return NotAcceptable()
    if isinstance(error, exceptions.UnsupportedMediaType):
        read = context["view"].parser_classes[0].media_type
        return UnsupportedMediaType(f"Send Content-Type: {read}.")
    if isinstance(error, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)):
        return Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    return MalformedRequest(str(error.detail))


@csrf_exempt  # it answers what has no session, and does nothing
def nothing_here(request: HttpRequest, rest: str) -> HttpResponse:  # noqa: ARG001
    """Any other path below /v1/: a problem document, with DEBUG on as well."""
    return respond(NotFound("There is nothing at this path."), request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """Not even a view was looked for: a host that is not ours, say."""
    return respond(MalformedRequest("The request was not understood."), request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """No such path."""
    return respond(NotFound("There is nothing at this path."), request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Outside any view of ours."""
    return respond(ServerError("The error was logged under the request's id."), request)
