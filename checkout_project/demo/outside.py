"""Everything the demo looks at, from outside: the API, the processor's journal, shelf, mailbox."""

import json
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx

from checkout_project.demo import servers

Doc = dict[str, Any]
READ_SECONDS = 30.0  # longer than the web server may wait for the processor
MOST_AT_ONCE = 16
SHELF = "SELECT on_hand, reserved FROM orders_stockitem WHERE sku = %s"
HELD = "SELECT count(*) FROM orders_reservation WHERE sku = %s AND state = 'held'"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float = 0.0

    @property
    def doc(self) -> Doc:
        """The body, parsed."""
        found: Doc = json.loads(self.body)
        return found

    @property
    def is_replay(self) -> bool:
        """Whether the shop says that it gave this answer before."""
        return self.headers.get("idempotent-replayed") == "true"


@dataclass(frozen=True, slots=True)
class Shelf:
    """One product's stock: what lies there, what is spoken for, what an open checkout holds."""

    on_hand: int
    reserved: int
    held: int


class Api:
    """A client of the shop, with its key."""

    def __init__(self, url: str, key: str) -> None:
        limits = httpx.Limits(max_connections=MOST_AT_ONCE)
        headers = {"Authorization": f"Bearer {key}"}
        self._line = httpx.Client(
            base_url=url, headers=headers, timeout=READ_SECONDS, limits=limits, trust_env=False
        )

    def checkout(self, body: Doc, *, key: str) -> Reply:
        """POST /v1/checkouts."""
        started = time.perf_counter()
        reply = self._line.post("/v1/checkouts", json=body, headers={"Idempotency-Key": key})
        headers = {name.lower(): value for name, value in reply.headers.items()}
        seconds = time.perf_counter() - started
        return Reply(reply.status_code, headers, reply.content, seconds)

    def at_once(self, requests: Sequence[tuple[Doc, str]]) -> list[Reply]:
        """Send all of these (body, key) at the same moment."""
        gate = Barrier(len(requests))

        def send(request: tuple[Doc, str]) -> Reply:
            gate.wait()
            return self.checkout(request[0], key=request[1])

        with ThreadPoolExecutor(len(requests)) as crowd:
            return list(crowd.map(send, requests))

    def get(self, path: str, **query: str) -> Doc:
        """Read one resource."""
        reply = self._line.get(f"/v1/{path}", params=query)
        reply.raise_for_status()
        found: Doc = reply.json()
        return found

    def send(self, method: str, path: str, body: Doc) -> Doc:
        """Change something, with a key of its own."""
        headers = {"Idempotency-Key": a_key()}
        reply = self._line.request(method, f"/v1/{path}", json=body, headers=headers)
        found: Doc = reply.raise_for_status().json()
        return found

    def upload(self, path: str, content: bytes, **query: str) -> Doc:
        """Bring a CSV file."""
        headers = {"Idempotency-Key": a_key(), "Content-Type": "text/csv"}
        reply = self._line.post(f"/v1/{path}", content=content, params=query, headers=headers)
        found: Doc = reply.raise_for_status().json()
        return found

    def close(self) -> None:
        """Let the connections go."""
        self._line.close()


class Witness:
    """The sandbox processor's own book of what it was asked and what it did."""

    def __init__(self, url: str) -> None:
        self._line = httpx.Client(base_url=f"{url}/_sandbox", timeout=READ_SECONDS, trust_env=False)

    def journal(self, **query: str) -> Doc:
        """Requests and effects, oldest first; of one `payment`, or `since` a place in the book."""
        found: Doc = self._line.get("/journal", params=query).raise_for_status().json()
        return found

    def place(self) -> str:
        """Where the book ends now."""
        entries = self.journal()["entries"]
        return str(entries[-1]["seq"] if entries else 0)

    def fault(self, **rule: str | float) -> None:
        """From now on something goes wrong at the processor."""
        self._line.post("/faults", json=rule).raise_for_status()

    def close(self) -> None:
        """Let the connection go."""
        self._line.close()


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The folder that the shop's e-mail is written to."""

    folder: Path

    def about(self, order: str) -> list[Message]:
        """Every message that was sent for this order."""
        files = sorted(self.folder.glob("*.log")) if self.folder.exists() else []
        parts = [part for file in files for part in file.read_bytes().split(SEPARATOR)]
        mails = [message_from_bytes(part.strip()) for part in parts if part.strip()]
        return [mail for mail in mails if order in str(mail["Message-ID"])]


SEPARATOR = b"\n" + b"-" * 79 + b"\n"  # what Django's file backend writes after each message


def shelf(database_url: str, sku: str) -> Shelf:
    """Read the stock rows themselves: the API shows orders, not shelves."""
    with servers.connect(database_url) as line:
        on_hand, reserved = line.execute(SHELF, [sku]).fetchone() or (0, 0)
        (held,) = line.execute(HELD, [sku]).fetchone() or (0,)
    return Shelf(on_hand, reserved, held)


def a_key() -> str:
    """What a shop makes when the shopper presses Pay, and keeps over every retry."""
    return f"demo-{secrets.token_hex(8)}"


def a_purchase(sku: str = "MUG-BLUE", quantity: int = 2, **changes: Any) -> Doc:
    """The body of POST /v1/checkouts, by a new customer with a new cart, to Oregon."""
    number = secrets.token_hex(3)
    return {
        "cart_id": f"cart_{number}",
        "customer": {"reference": f"cus_{number}", "email": f"shopper-{number}@example.com"},
        "currency": "USD",
        "lines": [{"sku": sku, "quantity": quantity}],
        "shipping_method": "standard",
        "shipping_address": {
            "line1": "1 Main St",
            "city": "Portland",
            "region": "OR",
            "postal_code": "97201",
            "country": "US",
        },
        "payment_method": "pm_card_visa",
        **changes,
    }
