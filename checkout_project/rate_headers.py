"""How a caller stands is on every answer: `RateLimit` and `RateLimit-Policy`."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from foundation.edge.rate_limits import STANDING, Standing


class RateLimitMiddleware:
    """Writes down what authentication found out; nothing is counted here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        standing: Standing | None = request.META.get(STANDING)
        if standing is not None:
            for name, value in standing.headers.items():
                response.headers[name] = value
        return response
