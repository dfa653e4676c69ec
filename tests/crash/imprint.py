"""What of the world a death left behind can still matter, as one fingerprint.

Whoever dies at a SELECT leaves what he would have left at the SELECT before it. So each point is
struck and the world after it is read: every row that the trial wrote, what was sent to the
processor and what it did, what waits at the broker, the letters, and the final answers that the
client heard, with ids masked and moments as their distance from now. Left out is what nobody can
build on: how often something was looked up, an answer that is not final, rows that say only that
somebody looked.
"""

import datetime as dt
import hashlib
import json
import re
import uuid
from bisect import bisect
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from django.db import connection

from foundation import clock
from tests.crash import broker, facts
from tests.crash.facts import Facts
from tests.crash.invariants.keys import is_final
from tests.crash.scene import Scene, Stage

# Where one distance from now ends to be like another, in seconds. Between two of them lie the
# distances that a trial can bring about: sums of the strides and of a few leases, give or take
# the seconds that it takes itself.
_DISTANCES: Final = (
    *(40, 110, 190, 265, 340, 800, 1150, 1700, 3000, 6000),
    *(50_000, 110_000, 200_000, 290_000, 400_000, 500_000, 600_000),
)
_TABLES: Final = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name
"""
_NUMBERED: Final = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND (is_identity = 'YES' OR column_default LIKE 'nextval%')
"""
IS_NEW: Final = "t.xmin::text::bigint >= since.xid"
# Rows that say only that somebody looked or called; of jobs, that one was done in its window.
_SIGNS_OF_LIFE: Final = frozenset(
    {"foundation_apikey", "foundation_invariantresult", "foundation_queueheartbeat"}
)
_JOBS: Final = "foundation_periodicrun"
# How long something took, or where it stands in a list of everybody's, is no part of the world.
_OF_NO_MATTER: Final = frozenset(
    {"seq", "at", "duration_ms", "milliseconds", "created", "time", "hint"}
)
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
        "rows": sorted(_rows(since)),
        "sent": sorted({_sent(request) for request in found.requests}),
        "effects": [{**effect, "request": None} for effect in found.effects],
        "holds": found.holds,
        "broker": broker.waiting_bodies(),
        "heard": sorted(set(_heard(found))),
        "mails": len(found.mails),
    }
    return masked(json.dumps(_without_moments(world), sort_keys=True, default=str), scene.stage)


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


def _rows(since: int) -> Iterator[str]:
    """Every row that was written since, in plain words."""
    with connection.cursor() as cursor:
        cursor.execute(_everything(), [since])
        for table, row in cursor.fetchall():
            numbered = _numbered().get(table, ())
            told = {k: v for k, v in json.loads(row).items() if k not in numbered}
            if table == _JOBS and told["finished_at"]:
                continue
            yield f"{table} {json.dumps(_without_moments(told), sort_keys=True)}"


@cache
def _everything() -> str:
    each = " UNION ALL ".join(
        f"SELECT '{name}', to_jsonb(t) FROM {name} t, since WHERE {IS_NEW}"
        for name in tables()
        if name not in _SIGNS_OF_LIFE
    )
    return f"WITH since(xid) AS (VALUES (%s::bigint)) {each}"


@cache
def tables() -> list[str]:
    """Every table there is."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return [name for (name,) in cursor.fetchall()]


@cache
def _numbered() -> dict[str, frozenset[str]]:
    """Columns that a sequence fills."""
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERED)
        found: dict[str, set[str]] = {}
        for table, column in cursor.fetchall():
            found.setdefault(table, set()).add(column)
    return {table: frozenset(columns) for table, columns in found.items()}


def _without_moments(value: Any) -> Any:
    """Moments as their distance from now; the rest as it is."""
    if isinstance(value, dict):
        kept = ((k, v) for k, v in value.items() if k not in _OF_NO_MATTER)
        return {key: _without_moments(each) for key, each in kept}
    if isinstance(value, list):
        return [_without_moments(each) for each in value]
    if isinstance(value, uuid.UUID):
        return "<uuid>"
    if isinstance(value, str) and value.startswith("\\x"):
        return _of_bytes(value)
    moment = _moment(value)
    if moment is None:
        return value
    seconds = (moment - clock.now()).total_seconds()
    return f"<{'in' if seconds > 0 else 'since'} {bisect(_DISTANCES, abs(seconds))}>"


def _of_bytes(value: str) -> Any:
    """Bytes as PostgreSQL shows them: a stored answer is read, a digest says nothing."""
    try:
        return _without_moments(json.loads(bytes.fromhex(value[2:])))
    except ValueError:
        return "<hash>"


def _moment(value: Any) -> dt.datetime | None:
    if isinstance(value, dt.datetime):
        return value
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\dT", value):
        return None
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


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
