"""Small facts of HTTP that every app's edge needs: stored answers, the caller's address."""

import hashlib
import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
from django.http import HttpResponse
from rest_framework.metadata import BaseMetadata
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from foundation.card_numbers import mask
from foundation.errors import DomainError
from foundation.idempotency import Answer

REPLAYED = "Idempotent-Replayed"
# As some proxies write a hop: [2001:db8::1]:443, 203.0.113.7:443.
_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|([0-9.]+):\d+")


class PreconditionFailed(DomainError):
    """It was changed since this caller read it."""

    code, status, title = "precondition_failed", 412, "It was changed meanwhile"
    retryable, retry_with = True, "none"


def stored(answer: Answer, *, is_replay: bool) -> HttpResponse:
    """An answer as it is stored: these bytes, this status, and nothing recomputed."""
    response = HttpResponse(answer.body, status=answer.status)
    for name, value in answer.headers.items():
        response.headers[name] = value
    if is_replay:
        response.headers[REPLAYED] = "true"
    return response


def tagged(request: Request, data: dict[str, Any]) -> HttpResponse:
    """One resource with its ETag; 304 for a caller who has these very bytes (RFC 9110)."""
    return tagged_bytes(request, orjson.dumps(data))


def tagged_bytes(request: Request, body: bytes) -> HttpResponse:
    """The same, of JSON that is written already."""
    tag = _tag(body)
    # A proxy that compresses makes it a weak one; here the two compare as equal (13.1.2).
    known = [each.removeprefix("W/") for each in _listed(request, "If-None-Match")]
    if request.method in ("GET", "HEAD") and (tag in known or "*" in known):
        return HttpResponse(status=304, headers={"ETag": tag})
    return HttpResponse(body, content_type="application/json", headers={"ETag": tag})


def refuse_unless_current(request: Request, data: dict[str, Any]) -> None:
    """`If-Match`: raises `PreconditionFailed` for a caller whose copy is not `data` any more.

    A caller that sends no `If-Match` is not held to anything (RFC 9110, 13.1.1); one that sends
    it without a tag has no copy at all.
    """
    if "If-Match" not in request.headers:
        return
    known = _listed(request, "If-Match")
    if "*" not in known and _tag(orjson.dumps(data)) not in known:
        raise PreconditionFailed("Read it again, decide again, send again.")


def refuse_stale(request: Request, now: Callable[[], dict[str, Any]]) -> None:
    """`If-Match` of an action, in the transaction that claims it: `now` locks, and reads.

    Not called without the header. Raises `PreconditionFailed`; then nothing was claimed.
    """
    if "If-Match" in request.headers:
        refuse_unless_current(request, now())


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _listed(request: Request, header: str) -> list[str]:
    return [each.strip() for each in request.headers.get(header, "").split(",") if each.strip()]


class Methods(BaseMetadata):
    """What OPTIONS answers: the methods of the path, as `Allow` says, too."""

    def determine_metadata(self, request: Request, view: Any) -> dict[str, Any]:  # noqa: ARG002 - DRF's signature
        """As a body, for those who do not look at headers."""
        return {"methods": view.allowed_methods}


def header_text(request: Request, name: str, *, longest: int) -> str:
    """What a browser says about itself, as it can be stored: short, without NUL or card numbers."""
    return mask(request.headers.get(name, "").replace("\0", ""))[:longest]


def client_ip(request: Request, *, trusted: Sequence[str]) -> str | None:
    """The caller's address; `X-Forwarded-For` counts only hop by hop through trusted proxies."""
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    chain = [*(hop.strip() for hop in hops if hop.strip()), request.META.get("REMOTE_ADDR", "")]
    networks = [ipaddress.ip_network(proxy) for proxy in trusted]
    for hop in reversed(chain):
        address = _address(hop)
        if address is None or not any(address in network for network in networks):
            return None if address is None else str(address)
    return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Without port and zone; a socket for both families writes IPv4 as IPv6: it is IPv4 here."""
    with_port = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((with_port[1] or with_port[2]) if with_port else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return address.ipv4_mapped or ipaddress.IPv6Address(int(address))


class JSONBytes(BaseRenderer):
    """JSON by orjson: the same data gives the same bytes."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,  # noqa: ARG002 - DRF's signature
        renderer_context: Any = None,  # noqa: ARG002 - DRF's signature
    ) -> bytes:
        """Bytes, ready to send."""
        return b"" if data is None else orjson.dumps(data)
