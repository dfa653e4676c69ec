"""One request on its way through the sandbox, and what it leaves for the witness."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox_processor import clock, fault_names
from sandbox_processor.fault_names import Fault
from sandbox_processor.faults import Faults
from sandbox_processor.journal import Journal
from sandbox_processor.wire import Doc, Refused, new_id

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event on its way to a listener."""

    id: str
    about: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Planned:
    """Something that will happen to an object by itself."""

    at: float
    happening: str
    target: str


@dataclass(slots=True, kw_only=True)
class Call:
    """What an operation needs to know and what it did."""

    journal: Journal
    operation: str
    method: str
    path: str
    target: str
    params: Doc = field(default_factory=dict)
    key: str | None = None
    desk: Faults
    listened: bool = False
    search_lag: float = 0.0
    origin: str = ""
    hold_until: float | None = None
    request_id: str = field(default_factory=lambda: new_id("req"))
    received: float = field(default_factory=clock.now)
    now: float = field(default_factory=clock.now)
    faults: list[Fault] = field(default_factory=list)
    intent: Doc | None = None
    sought: str | None = None
    events: list[Told] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    claimed: bool = False
    seq: int = 0

    def reference(self) -> str | None:
        """The payment this is about, in the words of whoever asked."""
        found: str | None = self.metadata().get("payment") or self.sought
        return found

    def metadata(self) -> Doc:
        if self.intent is not None:
            found: Doc = self.intent["metadata"]
            return found
        given = self.params.get("metadata")
        return given if isinstance(given, dict) else {}

    def refuse_lookup_of(self, found: list[Doc]) -> None:
        """Fails a list or a search that comes upon an intent which carries `lookup_500`."""
        for doc in found:
            if doc["object"] == "payment_intent":
                self.faults += self.desk.strike(
                    operations=frozenset({self.operation}),
                    carried=[
                        each for each in fault_names.carried_by(doc) if each.name == "lookup_500"
                    ],
                    subject=doc["metadata"].get("payment") or doc["id"],
                    rules=False,
                )
        if fault_names.named(self.faults, "lookup_500"):
            raise Refused(
                "The look-up failed (a fault of the sandbox).", status=500, kind="api_error"
            )

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
        self.journal.note(
            self.journal.next_entry(),
            entry,
            reference=intent["metadata"].get("payment"),
            intent=intent["id"],
        )

    def plan(self, happening: str, target: str, *, after: float) -> None:
        """Puts on the agenda what will happen by itself."""
        self.planned.append(Planned(at=self.now + after, happening=happening, target=target))
        self.journal.write(
            "INSERT INTO agenda (at, happening, target) VALUES (?, ?, ?)",
            (self.now + after, happening, target),
        )

    def take_place(self) -> None:
        """The request comes before its effects in the journal."""
        if not self.seq:
            self.seq = self.journal.next_entry()

    def note(self, *, status: int | None, replayed: bool = False) -> None:
        """Tells the witness of this request, or what became of it."""
        self.take_place()
        entry = self._entry(status=status, replayed=replayed)
        intent = (self.intent or {}).get("id")
        self.journal.note(self.seq, entry, reference=self.reference(), intent=intent)

    def _entry(self, *, status: int | None, replayed: bool) -> Doc:
        intent = self.intent or {}
        return {
            "kind": "request",
            "operation": self.operation,
            "at": self.received,
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
    event: Doc = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": int(call.now),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1 if call.listened else 0,
        # Nobody asked for what happens by itself.
        "request": {"id": call.request_id if call.method else None, "idempotency_key": call.key},
        "type": kind,
    }
    body = orjson.dumps(event)
    call.journal.save(event, created=call.now, body=body)
    about = subject.get("payment_intent") or subject["id"]
    call.events.append(Told(id=event["id"], about=about, body=body))
    if call.listened:
        call.journal.write("INSERT INTO deliveries VALUES (?, 0)", (event["id"],))


def unexpected_state(message: str, *, intent: Doc, code: str | None = None) -> Refused:
    return Refused(
        message,
        final=True,
        code=code or "payment_intent_unexpected_state",
        payment_intent=intent,
    )
