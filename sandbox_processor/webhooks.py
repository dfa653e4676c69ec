"""Tells a listener what happened: signed as Stripe signs, at least once, in order per payment.

Deliveries are on disk until they arrive or are given up, so a restart goes on with them. Retries
are bounded and wait outside the lane; what comes behind is not held up.
"""

import asyncio
import hashlib
import hmac
import ssl
import zlib
from collections import deque
from urllib.parse import urlsplit

import httptools
import orjson

from sandbox_processor import clock
from sandbox_processor.call import Told
from sandbox_processor.fault_names import Fault, named
from sandbox_processor.journal import Journal
from sandbox_processor.wire import new_id

LANES = 8
MOST_ATTEMPTS = 8
FIRST_RETRY_SECONDS = 0.5
ATTEMPT_SECONDS = 10.0
BEFORE_RESPONSE_SECONDS = 5.0
STRANGER = "whsec_forged"
UNREACHABLE = (OSError, TimeoutError, EOFError, httptools.HttpParserError)


def sign(body: bytes, *, secret: str, at: int) -> str:
    """Stripe's signature header."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Lane:
    """One kept-alive connection to the listener."""

    def __init__(self, *, url: str) -> None:
        self._url = urlsplit(url)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._complete = False

    def on_message_complete(self) -> None:
        self._complete = True

    async def post(self, body: bytes, *, signature: str) -> int:
        """The listener's status; a connection that went stale is opened anew once."""
        reused = self._streams is not None
        try:
            return await self._post_once(body, signature=signature)
        except UNREACHABLE:
            self.close()
            if not reused:
                raise
        return await self._post_once(body, signature=signature)

    async def _post_once(self, body: bytes, *, signature: str) -> int:
        if self._streams is None:
            self._streams = await self._connect()
        reader, writer = self._streams
        writer.write(self._head(len(body), signature=signature) + body)
        await writer.drain()
        self._complete = False
        parser = httptools.HttpResponseParser(self)
        while not self._complete:
            received = await reader.read(65_536)
            if not received:
                raise EOFError("the listener closed the connection")
            parser.feed_data(received)
        if not parser.should_keep_alive():
            self.close()
        return parser.get_status_code()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        secure = self._url.scheme == "https"
        port = self._url.port or (443 if secure else 80)
        context = ssl.create_default_context() if secure else None
        return await asyncio.open_connection(self._url.hostname, port, ssl=context)

    def _head(self, length: int, *, signature: str) -> bytes:
        target = self._url.path or "/"
        if self._url.query:
            target = f"{target}?{self._url.query}"
        return (
            f"POST {target} HTTP/1.1\r\nHost: {self._url.netloc}\r\n"
            "User-Agent: sandbox-processor (no real money)\r\n"
            "Content-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {length}\r\nStripe-Signature: {signature}\r\n\r\n"
        ).encode("latin-1")

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Courier:
    """Carries events to the listener."""

    def __init__(self, *, url: str, secret: str, journal: Journal) -> None:
        self._journal = journal
        self._queues: list[asyncio.Queue[tuple[Told, int]]] = []
        self._at_start = (url, secret)
        self._url, self._secret = "", secret
        self._forged: deque[str] = deque(maxlen=1000)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def listening(self) -> bool:
        return bool(self._url)

    def listen(self, *, url: str, secret: str) -> None:
        """Tells another listener from now on, or nobody; what was on its way is sent to it."""
        self.stop()
        self._url, self._secret = url, secret
        if url:
            self.start()

    def listen_as_at_start(self) -> None:
        """Tells whom the command line named, or nobody."""
        url, secret = self._at_start
        self.listen(url=url, secret=secret)

    def start(self) -> None:
        """Opens the lanes and takes up what is not delivered yet."""
        for _ in range(LANES):
            queue: asyncio.Queue[tuple[Told, int]] = asyncio.Queue()
            self._queues.append(queue)
            self._tasks.append(asyncio.create_task(self._run(queue)))
        for doc, attempts in self._journal.read(
            "SELECT doc, attempts FROM deliveries JOIN objects ON id = event ORDER BY seq"
        ):
            event = orjson.loads(doc)
            about = event["data"]["object"]
            told = Told(id=event["id"], about=about.get("payment_intent") or about["id"], body=doc)
            self._enqueue(told, attempts=attempts)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._queues.clear()

    def send(self, events: list[Told], *, faults: list[Fault]) -> None:
        """Queues what a request caused, as its faults would have it."""
        if not self.listening or named(faults, "webhook_lost"):
            return
        order = list(reversed(events)) if named(faults, "webhook_reordered") else events
        copies = 2 if named(faults, "webhook_duplicate") else 1
        for told in order:
            for _ in range(copies):
                self._enqueue(told)
        if events and named(faults, "webhook_forged"):
            self._enqueue(self._forgery(events[-1]))

    async def send_now(self, events: list[Told]) -> None:
        """Delivers before the client has its answer; bounded, so a deaf listener is survived."""
        if not self.listening:
            return
        lane = Lane(url=self._url)
        try:
            async with asyncio.timeout(BEFORE_RESPONSE_SECONDS):
                for told in events:
                    await self._attempt(lane, told, attempts=0)
        except TimeoutError:
            for told in events:
                self._enqueue(told)
        finally:
            lane.close()

    async def send_again(self, body: bytes, *, age: float, forged: bool) -> int:
        """One more delivery, signed so long ago (or ahead), by us or by a stranger.

        Returns the listener's status, 0 when it can not be reached.
        """
        lane = Lane(url=self._url)
        secret = STRANGER if forged else self._secret
        signature = sign(body, secret=secret, at=int(clock.now() - age))
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await lane.post(body, signature=signature)
        except UNREACHABLE:
            return 0
        finally:
            lane.close()

    def _enqueue(self, told: Told, *, attempts: int = 0) -> None:
        if not self._queues:
            return  # nobody listens any more; it is on disk until somebody does
        number = zlib.crc32(told.about.encode()) % LANES
        self._queues[number].put_nowait((told, attempts))

    def _forgery(self, told: Told) -> Told:
        """Somebody who does not know the secret claims that the money came."""
        event = orjson.loads(told.body)
        event["id"] = new_id("evt")
        event["type"] = "payment_intent.succeeded"
        self._forged.append(event["id"])
        return Told(id=event["id"], about=told.about, body=orjson.dumps(event))

    async def _run(self, queue: asyncio.Queue[tuple[Told, int]]) -> None:
        lane = Lane(url=self._url)
        while True:
            told, attempts = await queue.get()
            await self._attempt(lane, told, attempts=attempts)

    async def _attempt(self, lane: Lane, told: Told, *, attempts: int) -> None:
        forged = told.id in self._forged
        secret = STRANGER if forged else self._secret
        signature = sign(told.body, secret=secret, at=int(clock.now()))
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                status = await lane.post(told.body, signature=signature)
        except UNREACHABLE:
            lane.close()
            status = 0
        if 200 <= status < 300 or attempts + 1 >= MOST_ATTEMPTS or forged:
            self._journal.write("DELETE FROM deliveries WHERE event = ?", (told.id,))
            return
        self._journal.write(
            "UPDATE deliveries SET attempts = ? WHERE event = ?", (attempts + 1, told.id)
        )
        asyncio.get_running_loop().call_later(
            FIRST_RETRY_SECONDS * 2**attempts, lambda: self._enqueue(told, attempts=attempts + 1)
        )
