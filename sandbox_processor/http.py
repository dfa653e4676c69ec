"""A small HTTP/1.1 server with its hand on the socket, so that answers can get lost on purpose.

httptools (llhttp) reads; one write sends. A connection answers its requests in order. Nothing is
kept for a client that went away, and a hang ends by itself.
"""

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import httptools

from sandbox_processor.wire import LONGEST_SECONDS, Reply, Wire

MAX_BODY_BYTES = 1_000_000
LINGER_ZERO = struct.pack("ii", 1, 0)
REASONS = {status.value: status.phrase for status in HTTPStatus}

log = logging.getLogger("sandbox_processor")


@dataclass(slots=True, kw_only=True)
class Request:
    """One request as it came over the wire."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Draft:
    """What is known of a request while its bytes are still arriving."""

    url: bytearray = field(default_factory=bytearray)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


Application = Callable[[Request], Awaitable[Reply]]


class Connection(asyncio.Protocol):
    """One client's connection; keep-alive and pipelining."""

    def __init__(self, *, application: Application) -> None:
        self._application = application
        self._parser = httptools.HttpRequestParser(self)
        self._draft = Draft()
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream transport is needed")
        self._transport = transport
        plug = transport.get_extra_info("socket")
        if plug is not None and plug.family != socket.AF_UNIX:
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 asyncio calls it so
        self._gone.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._close()
        except httptools.HttpParserError:
            self._write(Reply(status=400, body=b""), keep=False)

    # httptools calls these by name.
    def on_message_begin(self) -> None:
        self._draft = Draft()

    def on_url(self, url: bytes) -> None:
        self._draft.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._draft.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._draft.body += body
        if len(self._draft.body) > MAX_BODY_BYTES:
            self._write(Reply(status=413, body=b""), keep=False)

    def on_message_complete(self) -> None:
        path, _, query = self._draft.url.decode("latin-1").partition("?")
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=path,
            query=query,
            headers=self._draft.headers,
            body=bytes(self._draft.body),
        )
        self._waiting.append((request, self._parser.should_keep_alive()))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer_waiting())

    async def _answer_waiting(self) -> None:
        while self._waiting:
            request, keep = self._waiting.popleft()
            try:
                reply = await self._application(request)
            except Exception:
                # Nothing can be promised now, so nothing is said: the outcome is unknown.
                log.exception("no answer to %s %s", request.method, request.path)
                reply = Reply(status=500, body=b"", wire=Wire.RESET)
            await self._deliver(reply, keep=keep)
        self._task = None

    async def _deliver(self, reply: Reply, *, keep: bool) -> None:
        if reply.wire is Wire.SEND:
            self._write(reply, keep=keep)
        elif reply.wire is Wire.DROP:
            self._close()
        elif reply.wire is Wire.RESET:
            self._reset()
        else:
            await self._hang(seconds=min(reply.seconds, LONGEST_SECONDS))

    async def _hang(self, *, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._gone.wait(), timeout=seconds)
        except TimeoutError:
            self._close()

    def _write(self, reply: Reply, *, keep: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        lines = [
            f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Unknown')}",
            f"Content-Type: {reply.content_type}",
            f"Content-Length: {len(reply.body)}",
            *(f"{name}: {value}" for name, value in reply.headers.items()),
        ]
        if not keep:
            lines.append("Connection: close")
        self._transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body)
        if not keep:
            self._close()

    def _close(self) -> None:
        self._waiting.clear()
        if self._transport is not None:
            self._transport.close()

    def _reset(self) -> None:
        """Closing with linger zero sends RST instead of FIN."""
        self._waiting.clear()
        if self._transport is None:
            return
        plug = self._transport.get_extra_info("socket")
        if plug is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self._transport.abort()
