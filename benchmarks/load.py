"""A lean closed-loop load client: each connection sends its next request when the last is answered.

Raw sockets, because its CPU comes out of the same two cores as what it measures.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
GRACE_SECONDS = 30.0

NextRequest = Callable[[], bytes]


class UnreadableReply(RuntimeError):
    """The server closed the line, or answered without a length."""


@dataclass(slots=True)
class Outcome:
    """What came back in one window, and what it cost us to ask."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    replays: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    first_bad: bytes = b""

    @property
    def count(self) -> int:
        """How many requests were answered."""
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.count / self.seconds

    @property
    def is_valid(self) -> bool:
        """Whether every single reply was a 201."""
        return self.count > 0 and set(self.statuses) == {201}

    def percentile(self, share: float) -> float:
        """The latency, in milliseconds, that this share of the replies did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


class _Line(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, take: NextRequest, outcome: Outcome, until: float) -> None:
        self._take = take
        self._outcome = outcome
        self._until = until
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows the type
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(HEAD_END)
        if head_end < 0:
            return
        head = self._received[:head_end].lower()
        if len(self._received) >= head_end + len(HEAD_END) + _length(head):
            self._count(head)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or UnreadableReply("the server closed the connection"))

    def _send(self) -> None:
        self._received = b""
        request = self._take()
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def _count(self, head: bytes) -> None:
        now = time.perf_counter()
        status = int(head[9:12])
        self._outcome.statuses[status] += 1
        self._outcome.latencies.append(now - self._sent_at)
        self._outcome.replays += b"idempotent-replayed: true" in head
        if status != 201 and not self._outcome.first_bad:
            self._outcome.first_bad = self._received
        if now < self._until:
            self._send()
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()


def _length(head: bytes) -> int:
    at = head.find(LENGTH)
    if at < 0:
        raise UnreadableReply(f"an answer without a length: {head[:200]!r}")
    return int(head[at + len(LENGTH) :].split(b"\r", 1)[0])


def run(*, port: int, take: NextRequest, clients: int, seconds: float) -> Outcome:
    """Keep `clients` requests in flight for so many seconds; what is in flight then is awaited."""
    return asyncio.run(_run(port, take, clients, seconds))


async def _run(port: int, take: NextRequest, clients: int, seconds: float) -> Outcome:
    outcome = Outcome()
    began, cpu = time.perf_counter(), time.process_time()
    loop = asyncio.get_running_loop()
    lines = [
        (
            await loop.create_connection(
                lambda: _Line(take, outcome, began + seconds), "127.0.0.1", port
            )
        )[1]
        for _ in range(clients)
    ]
    async with asyncio.timeout(seconds + GRACE_SECONDS):
        await asyncio.gather(*(line.done for line in lines))
    outcome.seconds = time.perf_counter() - began
    outcome.cpu_seconds = time.process_time() - cpu
    return outcome
