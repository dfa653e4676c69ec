"""What of the world a death left behind can still matter, as one fingerprint.

Whoever dies at a SELECT leaves what he would have left at the SELECT before it. So each point is
struck and the world after it is read: every row that the trial wrote, what was sent to the
processor and what it did, what waits at the broker, the letters, and the final answers that the
client heard, with ids masked and moments as their distance from now. Left out is what nobody can
build on: how often something was looked up, an answer that is not final, rows that say only that
somebody looked.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from django.db import connection

from tests.crash import broker, facts
from tests.crash.facts import Facts
from tests.crash.invariants.keys import is_final
from tests.crash.plain import rows, without_moments
from tests.crash.scene import Scene, Stage

_MASKS: Final = (
    (re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b([a-z]{2,6})_[A-Za-z0-9]{14,}"), r"\1_*"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(?:Z|[+-]\d\d:?\d\d)?"), "<moment>"),
    (re.compile(r"\b[0-9a-f]{16,}\b"), "<hash>"),
    (re.compile(r"\bR\d+\b"), "<number>"),
    (re.compile(r"\b1[6-9]\d{8}(?:\.\d+)?\b"), "<moment>"),
)  # fmt: skip


def first_transaction() -> int:
    """The number from which on rows are this trial's: nobody else writes to this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        return int(cursor.fetchone()[0])


def imprint(scene: Scene, *, since: int) -> str:
    """The world as it stands, in plain words; `since` is the first transaction of the trial."""
    found = facts.gather(scene.stage, scene.sandbox, scene.heard)
    world = {
        "rows": sorted(rows(since)),
        "sent": sorted({_sent(request) for request in found.requests}),
        "effects": [{**effect, "request": None} for effect in found.effects],
        "holds": found.holds,
        "broker": broker.waiting_bodies(),
        "heard": sorted(set(_heard(found))),
        "mails": len(found.mails),
    }
    return masked(json.dumps(without_moments(world), sort_keys=True, default=str), scene.stage)


def fingerprint(world: str, *story: str) -> str:
    """One name for a world and for the place in the story at which it stands."""
    return hashlib.sha256("\n".join((*story, world)).encode()).hexdigest()


def _sent(request: dict[str, Any]) -> str:
    """What a rule can ask of it; a look-up has no key, and changes nothing."""
    key = request["idempotency_key"]
    return f"{key} {request['operation']} {request['amount']}" if key else "looked up"


def _heard(found: Facts) -> Iterator[str]:
    """Final answers. One that is stored under its key is there to be heard again."""
    stored = {(key["response_status"], _text(key["response_body"])) for key in found.keys}
    for heard in found.heard:
        said = (heard["status"], heard["body"])
        if heard["key"] and is_final(heard) and said not in stored:
            yield f"{heard['path']} {heard['key']} {said}"


def _text(body: Any) -> str:
    return bytes(body or b"").decode()


def masked(text: str, stage: Stage) -> str:
    """The same text for every trial of the same story: without whose it was, and when."""
    for name, value in _own(stage):
        text = text.replace(value, f"<{name}>")
    for pattern, plain in _MASKS:
        text = pattern.sub(plain, text)
    return text


def _own(stage: Stage) -> list[tuple[str, str]]:
    customer = stage.body["customer"]
    return [
        ("sku", stage.sku), ("key", stage.key), ("api_key", stage.api_key), ("ip", stage.ip),
        ("email", customer["email"]), ("customer", customer["reference"]),
        ("cart", stage.body["cart_id"]), ("card", stage.body["payment_method"]),
    ]  # fmt: skip
