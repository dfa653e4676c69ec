"""A row in plain words: what of it can still matter, and moments as their distance from now.

How often something was tried matters until it has ended, and when it was matters to nobody after
that, but for what is kept for days.
"""

import datetime as dt
import json
import re
import uuid
from bisect import bisect
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.db import connection

from foundation import clock

Row = dict[str, Any]
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
_NEVER_CHANGED: Final = """
    SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgenabled = 'A' AND NOT tgisinternal
"""
IS_NEW: Final = "t.xmin::text::bigint >= since.xid"
# Rows that say only that somebody looked or called. Of a job's windows, one that was begun and did
# not end counts until a later one did.
_SIGNS_OF_LIFE: Final = frozenset(
    {"foundation_apikey", "foundation_invariantresult", "foundation_queueheartbeat"}
)
_JOBS: Final = "foundation_periodicrun"
_SHORT_SECONDS: Final = 76.0  # a window that is over when anybody goes on
# A row with one of these has ended; then the others of it are history.
_ENDS: Final = ("ended_at", "completed_at", "sent_at")
_COUNTED: Final = frozenset(
    {
        *("lease_token", "leased_until", "crashes", "attempts", "attempt", "look_ups", "absences"),
        *("asked_at", "due_at", "resolve_at", "last_error", "step_log"),
    }
)
_KEPT_SECONDS: Final = 50_000.0  # what is kept for days is not told by hours
# How long something took, or where it stands in a list of everybody's, is no part of the world.
_OF_NO_MATTER: Final = frozenset(
    {"seq", "at", "duration_ms", "milliseconds", "created", "time", "hint"}
)


def rows(since: int) -> Iterator[str]:
    """Every row that was written since, in plain words."""
    with connection.cursor() as cursor:
        cursor.execute(_everything(), [since])
        found = [(table, json.loads(row)) for table, row in cursor.fetchall()]
    passed = {row["job"]: row["window"] for table, row in found if table == _JOBS and _ended(row)}
    for table, row in found:
        if table != _JOBS or not _is_of_the_past(row, passed):
            told = _history(table, row) if _is_history(table, row) else without_moments(row)
            kept = {k: v for k, v in told.items() if k not in _numbered().get(table, ())}
            yield f"{table} {json.dumps(kept, sort_keys=True)}"


def _is_of_the_past(run: Row, passed: dict[str, str]) -> bool:
    """A window of a job that nobody can come back to."""
    is_short = run["job"] in _short_jobs()
    return is_short or _ended(run) or bool(run["window"] < passed.get(run["job"], ""))


def _ended(run: Row) -> bool:
    return run["finished_at"] is not None


@cache
def _short_jobs() -> frozenset[str]:
    often = (job for job in settings.CELERY_BEAT_SCHEDULE.values() if "kwargs" in job)
    return frozenset(job["task"] for job in often if job["schedule"] <= _SHORT_SECONDS)


def _is_history(table: str, row: Row) -> bool:
    return table in _never_changed() or any(row.get(end) for end in _ENDS)


def _history(table: str, row: Row) -> Row:
    """What has ended: without how often it was tried; and of hours ago like of now."""
    told = {name: value for name, value in row.items() if name not in _COUNTED}
    return without_moments(told, near=_KEPT_SECONDS)


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


def without_moments(value: Any, *, near: float = 0.0) -> Any:
    """Moments as their distance from now, all nearer than `near` alike; the rest as it is."""
    if isinstance(value, dict):
        kept = ((k, v) for k, v in value.items() if k not in _OF_NO_MATTER)
        return {key: without_moments(each, near=near) for key, each in kept}
    if isinstance(value, list):
        return [without_moments(each, near=near) for each in value]
    if isinstance(value, uuid.UUID):
        return "<uuid>"
    if isinstance(value, str) and value.startswith("\\x"):
        return _of_bytes(value, near=near)
    moment = _moment(value)
    if moment is None:
        return value
    seconds = (moment - clock.now()).total_seconds()
    return f"<{'in' if seconds > 0 else 'since'} {bisect(_DISTANCES, max(abs(seconds), near))}>"


def _of_bytes(value: str, *, near: float) -> Any:
    """Bytes as PostgreSQL shows them: a stored answer is read, a digest says nothing."""
    try:
        return without_moments(json.loads(bytes.fromhex(value[2:])), near=near)
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


@cache
def _never_changed() -> frozenset[str]:
    """The append-only tables: they have a guard."""
    with connection.cursor() as cursor:
        cursor.execute(_NEVER_CHANGED)
        return frozenset(name for (name,) in cursor.fetchall())
