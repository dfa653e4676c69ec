"""A body whose length is not told is refused, before anybody takes it for no body at all.

Django and REST framework read as many bytes as `Content-Length` says, and none without it: a
refund of a part, sent in chunks, would be a refund of everything.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from checkout_project.problem_details import respond
from foundation.errors import DomainError

_WITHOUT_BODIES = ("GET", "HEAD", "OPTIONS")


class LengthRequired(DomainError):
    """A body came without its length; nothing of it was read, and nothing was done."""

    code, status, title = "length_required", 411, "The length of the body is required"
    retryable, retry_with = True, "same_key"


class BodyLengthMiddleware:
    """Answers 411 itself: no view may see such a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _is_of_unknown_length(request):
            return respond(LengthRequired("Send Content-Length, and no chunks."), request)
        return self.get_response(request)


def _is_of_unknown_length(request: HttpRequest) -> bool:
    if "HTTP_TRANSFER_ENCODING" in request.META:
        return True
    if request.META.get("CONTENT_LENGTH") or request.method in _WITHOUT_BODIES:
        return False
    # In HTTP/1.1 there is no body then. Since HTTP/2 there may be: it ends with its stream.
    is_framed = not request.META.get("SERVER_PROTOCOL", "").startswith("HTTP/1")
    return is_framed and bool(request.META["wsgi.input"].read(1))
