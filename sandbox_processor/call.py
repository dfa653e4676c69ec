"""One request on its way through the sandbox, and what it leaves for the witness."""

import time
from dataclasses import dataclass, field
from typing import Any

from sandbox_processor.faults import Fault
from sandbox_processor.journal import Journal
from sandbox_processor.wire import Doc, Refused, new_id

API_VERSION = "2026-10-28.endive"


@dataclass(slots=True, kw_only=True)
class Call:
    """What an operation needs to know and what it did."""

    journal: Journal
    operation: str
    method: str
    path: str
    target: str
    params: Doc
    key: str | None
    deliver: bool = False
    search_lag: float = 0.0
    origin: str = ""
    hold_until: float | None = None
    request_id: str = field(default_factory=lambda: new_id("req"))
    now: float = field(default_factory=time.time)
    faults: list[Fault] = field(default_factory=list)
    intent: Doc | None = None
    events: list[Doc] = field(default_factory=list)
    seq: int = 0

    def reference(self) -> str | None:
        """The payment this is about, in the words of whoever asked."""
        return self.metadata().get("payment")

    def metadata(self) -> Doc:
        if self.intent is not None:
            found: Doc = self.intent["metadata"]
            return found
        given = self.params.get("metadata")
        return given if isinstance(given, dict) else {}

    def effect(self, name: str, *, amount: int, intent: Doc, **fields: Any) -> None:
        """Tells the witness that money was held, moved or let go."""
        entry = {
            "kind": "effect",
            "effect": name,
            "at": self.now,
            "request": self.seq,
            "idempotency_key": self.key,
            "payment_intent": intent["id"],
            "amount": amount,
            "currency": intent["currency"],
            "metadata": intent["metadata"],
            **fields,
        }
        self.journal.note(entry, reference=intent["metadata"].get("payment"), intent=intent["id"])

    def request_entry(self, *, status: int | None, replayed: bool = False) -> Doc:
        intent = self.intent or {}
        return {
            "kind": "request",
            "operation": self.operation,
            "at": self.now,
            "request_id": self.request_id,
            "method": self.method,
            "path": self.path,
            "idempotency_key": self.key,
            "replayed": replayed,
            "faults": [fault.name for fault in self.faults],
            "status": status,
            "payment_intent": intent.get("id"),
            "amount": self.params.get("amount", intent.get("amount")),
            "currency": self.params.get("currency", intent.get("currency")),
            "metadata": self.metadata(),
        }


def emit(call: Call, kind: str, subject: Doc) -> None:
    """Keeps an event with the state it tells of, and queues it when somebody listens."""
    event = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": int(call.now),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1 if call.deliver else 0,
        "request": {"id": call.request_id, "idempotency_key": call.key},
        "type": kind,
    }
    call.journal.save(event, created=call.now)
    call.events.append(event)
    if call.deliver:
        call.journal.write("INSERT INTO deliveries VALUES (?, 0)", (event["id"],))


def unexpected_state(message: str, *, intent: Doc, code: str | None = None) -> Refused:
    return Refused(
        message,
        final=True,
        code=code or "payment_intent_unexpected_state",
        payment_intent=intent,
    )
