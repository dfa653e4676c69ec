"""One POST to an address that a client chose: checked, pinned, bounded, and never redirected.

The name is resolved here, every answer is checked, and the connection goes to an address that
was checked: a second look-up by the HTTP library could be answered differently. TLS and the
`Host` header still speak of the name. No proxy is taken from the environment.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Final, Self
from urllib.parse import SplitResult

from django.conf import settings

from events import addresses
from events.addresses import Address, UrlRefused
from foundation.transactions import refuse_inside_transaction

ANSWER_KEPT: Final = 1000
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Reply:
    """What came back: `status` is None when nothing did, and `error` says why."""

    status: int | None
    milliseconds: int
    error: str = ""
    answer: str = ""
    retry_after: str = ""


class _Late(Exception):
    """The time for the whole request is up."""


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Send `body` there within `WEBHOOK_SECONDS`, name look-up included. Raises nothing of HTTP."""
    refuse_inside_transaction()
    began = time.monotonic()
    deadline = began + settings.WEBHOOK_SECONDS
    try:
        parts = _checked(url)
        status, answer, retry_after = _send(parts, body, headers, deadline)
    except (UrlRefused, OSError, http.client.HTTPException, ValueError, _Late) as error:
        return Reply(None, _since(began), error=_told(error))
    text = (
        answer[:ANSWER_KEPT].decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
    )
    return Reply(status, _since(began), answer=text, retry_after=retry_after)


def _checked(url: str) -> SplitResult:
    return addresses.checked_url(
        url, http_allowed=settings.WEBHOOK_HTTP_ALLOWED, ports=settings.WEBHOOK_PORTS
    )


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _told(error: Exception) -> str:
    """For the endpoint's owner: no address of ours, no trace."""
    if isinstance(error, UrlRefused):
        return str(error)
    if isinstance(error, _Late):
        return f"no answer within {settings.WEBHOOK_SECONDS:g} s"
    if isinstance(error, socket.gaierror):
        return "the name can not be resolved"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    return f"the request failed: {type(error).__name__}"


def resolve(host: str, port: int, deadline: float) -> list[Address]:
    """Every address of the name, each one checked. Raises `UrlRefused`, `OSError`, `_Late`."""
    found = list(dict.fromkeys(_looked_up(host, port, deadline)))
    if not found:
        raise UrlRefused("The name leads nowhere.")
    checked = []
    for text in found:
        address = addresses.literal(text)
        if address is None:
            raise UrlRefused("The name leads to something that is no address.")
        addresses.refuse_unless_public(address, allowed=settings.WEBHOOK_NETWORKS_ALLOWED)
        checked.append(address)
    return checked


def _looked_up(host: str, port: int, deadline: float) -> list[str]:
    """The look-up knows no time-out: one that is too slow ends by itself, and nobody waits."""
    answers: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            told = socket.getaddrinfo(host.encode("idna"), port, type=socket.SOCK_STREAM)
            answers.set_result([str(answer[4][0]) for answer in told])
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            answers.set_exception(error)

    threading.Thread(target=look_up, name="webhook-name", daemon=True).start()
    if not wait([answers], timeout=max(deadline - time.monotonic(), 0)).done:
        raise _Late
    return answers.result()


def _send(
    url: SplitResult, body: bytes, headers: Mapping[str, str], deadline: float
) -> tuple[int, bytes, str]:
    port = url.port or _DEFAULT_PORTS[url.scheme]
    line = _connect(resolve(str(url.hostname), port, deadline), port, deadline)
    try:
        with _Cut(line, deadline) as cut:
            return _exchange(_secured(line, url), url, body, headers, cut)
    finally:
        line.close()


def _connect(targets: list[Address], port: int, deadline: float) -> socket.socket:
    tried = _worth_trying(targets)
    for address in tried:
        left = deadline - time.monotonic()
        if left <= 0:
            raise _Late
        seconds = min(settings.WEBHOOK_CONNECT_SECONDS, left)
        try:
            return socket.create_connection((str(address), port), timeout=seconds)
        except OSError:
            if address is tried[-1]:
                raise
    raise UrlRefused("The name leads nowhere.")


def _worth_trying(targets: list[Address]) -> list[Address]:
    """The first, and one of the other family if there is: all of IPv6 may be out of our reach."""
    first, *rest = targets
    others = [each for each in rest if each.version != first.version] or rest
    return [first, *others[:1]]


def _secured(line: socket.socket, url: SplitResult) -> socket.socket:
    if url.scheme == "http":
        return line
    context = _trusting(settings.WEBHOOK_CA_FILE)
    return context.wrap_socket(line, server_hostname=str(url.hostname))


@cache
def _trusting(authorities: str) -> ssl.SSLContext:
    """Once a process: to read a system's authorities takes longer than all else of a request."""
    return ssl.create_default_context(cafile=authorities or None)


class _Cut:
    """Ends the connection when the time is up, however slowly the other side goes on talking.

    The time-out of a socket is for one read: a byte every few seconds would never meet it.
    """

    def __init__(self, line: socket.socket, deadline: float) -> None:
        # A duplicate: wrapping in TLS takes the socket's own descriptor away.
        self._line = line.dup()
        self.is_late = False
        self._timer = threading.Timer(max(deadline - time.monotonic(), 0), self._end)
        self._timer.daemon = True

    def _end(self) -> None:
        self.is_late = True
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        self._timer.join()
        self._line.close()
        if error is not None and self.is_late:
            raise _Late from error


def _exchange(
    line: socket.socket, url: SplitResult, body: bytes, headers: Mapping[str, str], cut: _Cut
) -> tuple[int, bytes, str]:
    talk = http.client.HTTPConnection(url.netloc)
    talk.auto_open = 0  # this connection or none
    talk.sock = line
    line.settimeout(settings.WEBHOOK_SECONDS)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    given = {**headers, "Host": url.netloc, "Accept-Encoding": "identity", "Connection": "close"}
    try:
        talk.request("POST", target, body=body, headers=given)
        with talk.getresponse() as answer:
            if cut.is_late:  # its headers may have ended where we cut
                raise _Late
            return answer.status, _beginning(answer), answer.headers.get("Retry-After", "")
    finally:
        talk.close()


def _beginning(answer: http.client.HTTPResponse) -> bytes:
    """What can be read of the body; its status counts, whatever becomes of the rest."""
    found = b""
    with suppress(OSError, http.client.HTTPException, ValueError):
        while len(found) < ANSWER_KEPT and (part := answer.read1(ANSWER_KEPT)):
            found += part
    return found
