"""`GET /metrics`: for this machine, or for whoever holds the token."""

import hmac
import ipaddress

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from checkout_project.problem_details import respond
from foundation.edge.authentication import Unauthenticated
from foundation.errors import StoreUnavailable
from foundation.metrics import exposition


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Every gauge; 401 for strangers, 503 without a database."""
    if not (_is_this_machine(request) or _holds_the_token(request)):
        return respond(Unauthenticated("Send METRICS_TOKEN as a bearer token."), request)
    try:
        connection.ensure_connection()
    except (DatabaseError, InterfaceError):
        return respond(StoreUnavailable("There is no database to measure."), request)
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def _is_this_machine(request: HttpRequest) -> bool:
    """A proxy on this machine passes strangers on, and says so: then it is not."""
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _holds_the_token(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").encode()
    return bool(token) and hmac.compare_digest(given, f"Bearer {token}".encode())
