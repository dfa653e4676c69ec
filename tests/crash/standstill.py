"""What a death left behind, as one fingerprint: equal worlds have equal futures.

Whoever dies at a SELECT leaves what he would have left at the SELECT before it. So each point is
struck and the world after it is read: every row that the trial wrote, the processor's journal,
what waits at the broker, the letters, and what the client heard, with ids and moments masked. A
world from which the house has come to rest before, with every rule asked, is not driven again,
but for one in `SPOT_CHECK`: there "equal worlds, equal futures" itself is put to the proof.
"""

import datetime as dt
import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction

from foundation import clock
from tests.crash import broker, facts
from tests.crash.points import Trial
from tests.crash.scene import Scene, Stage

SPOT_CHECK: Final = 20
_MOMENT_SECONDS: Final = 20.0  # two moments of one step may be this far apart
_TABLES: Final = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name
"""
_GUARDS: Final = """
    SELECT tgrelid::regclass::text, tgname FROM pg_trigger
    WHERE tgenabled = 'A' AND NOT tgisinternal
"""
_NUMBERED: Final = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND (is_identity = 'YES' OR column_default LIKE 'nextval%')
"""
_IS_NEW: Final = "t.xmin::text::bigint >= since.xid"
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


def fingerprint(scene: Scene, trial: Trial, *, since: int) -> str:
    """The world as it stands after the blow, before anybody goes on."""
    found = facts.gather(scene.stage, scene.sandbox, scene.heard)
    world = {
        "of": [trial.flow, trial.outcome, trial.variant, round(scene.recorder.clock_seconds)],
        "rows": sorted(_rows(since)),
        "journal": [found.requests, found.effects, found.holds],
        "broker": broker.waiting_bodies(),
        "heard": scene.heard,
        "mails": len(found.mails),
    }
    plain = masked(json.dumps(_without_moments(world), sort_keys=True, default=str), scene.stage)
    return hashlib.sha256(plain.encode()).hexdigest()


def _rows(since: int) -> Iterator[str]:
    """Every row that was written since, in plain words."""
    with connection.cursor() as cursor:
        cursor.execute(_everything(), [since])
        for table, row in cursor.fetchall():
            numbered = _numbered().get(table, ())
            told = {k: v for k, v in json.loads(row).items() if k not in numbered}
            yield f"{table} {json.dumps(_without_moments(told), sort_keys=True)}"


@cache
def _everything() -> str:
    each = " UNION ALL ".join(
        f"SELECT '{name}', to_jsonb(t) FROM {name} t, since WHERE {_IS_NEW}" for name in _tables()
    )
    return f"WITH since(xid) AS (VALUES (%s::bigint)) {each}"


@cache
def _tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return [name for (name,) in cursor.fetchall()]


def _empty_at_first(since: int) -> list[str]:
    """Tables in which nothing stood before the first trial in this database."""
    each = " UNION ALL ".join(
        f"(SELECT '{name}' FROM {name} t, since WHERE NOT {_IS_NEW} LIMIT 1)" for name in _tables()
    )
    with connection.cursor() as cursor:
        cursor.execute(f"WITH since(xid) AS (VALUES (%s::bigint)) {each}", [since])
        full = {name for (name,) in cursor.fetchall()}
    return [name for name in _tables() if name not in full]


class Broom:
    """Takes away what a trial left that is not driven to rest: the next sweep is not to find it.

    The guards of the append-only tables look away for that moment; it needs a superuser.
    """

    def __init__(self, since: int) -> None:
        self._tables = _empty_at_first(since)
        with connection.cursor() as cursor:
            cursor.execute(_GUARDS)
            self._guards = cursor.fetchall()

    def sweep(self, since: int) -> None:
        """Every row of the trial. What the shop had before stays, as it was changed."""
        away = [f"ALTER TABLE {t} DISABLE TRIGGER {guard}" for t, guard in self._guards]
        rows = [f"DELETE FROM {t} WHERE xmin::text::bigint >= {since:d}" for t in self._tables]
        back = [f"ALTER TABLE {t} ENABLE ALWAYS TRIGGER {guard}" for t, guard in self._guards]
        role = "SET LOCAL session_replication_role = replica"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(";".join([role, *away, *rows, *back]))


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
    """Moments as their distance from now, in coarse steps; the rest as it is."""
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
    return f"<{round((moment - clock.now()).total_seconds() / _MOMENT_SECONDS)}>"


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


class Standstills:
    """Worlds that came to rest with every promise kept; all workers of a run share them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "standstills"
        self._folder.mkdir(exist_ok=True)

    def known(self, world: str) -> dict[str, Any] | None:
        """What came of it the first time; None when it is new, or due for a spot check."""
        place = self._folder / world
        if not place.exists():
            return None
        told: dict[str, Any] = json.loads(place.read_text())
        met = len(list(self._folder.glob(f"{world}.*"))) + 1
        (self._folder / f"{world}.{uuid.uuid4().hex}").touch()
        return None if met % SPOT_CHECK == 0 else told

    def remember(self, world: str, told: dict[str, Any]) -> None:
        """It came to rest, and all was well."""
        place = self._folder / f".{uuid.uuid4().hex}"
        place.write_text(json.dumps(told))
        place.rename(self._folder / world)
