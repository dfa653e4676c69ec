"""What was acknowledged is on disk: one SQLite file, one connection, commits shared by many.

Statements run at once inside an open transaction, which the event loop commits at its next turn; so
requests that arrive together share one fsync, and each waits in `durable` before it is answered.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from sandbox_processor import clock
from sandbox_processor.wire import Doc

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    status TEXT NOT NULL, parent TEXT NOT NULL, created REAL NOT NULL, doc BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_parent ON objects (parent, kind) WHERE parent <> '';
CREATE INDEX IF NOT EXISTS live_holds ON objects (seq) WHERE status = 'requires_capture';
CREATE INDEX IF NOT EXISTS unpaid ON objects (seq)
    WHERE kind = 'balance_transaction' AND parent = '';
CREATE TABLE IF NOT EXISTS metadata (
    name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (name, value, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    intent TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, reference TEXT, intent TEXT, doc BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS entries_by_reference ON entries (reference);
CREATE INDEX IF NOT EXISTS entries_by_intent ON entries (intent);
CREATE TABLE IF NOT EXISTS deliveries (
    event TEXT PRIMARY KEY, attempts INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS agenda (
    at REAL NOT NULL, happening TEXT NOT NULL, target TEXT NOT NULL,
    PRIMARY KEY (happening, target)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), moved REAL NOT NULL);
CREATE TABLE IF NOT EXISTS rules (id TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
"""
TABLES = ("objects", "metadata", "keys", "entries", "deliveries", "agenda", "clock", "rules")
PAGES_BETWEEN_CHECKPOINTS = 16_384
SAVE = """
INSERT INTO objects (id, kind, status, parent, created, doc) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    status = excluded.status, parent = excluded.parent, doc = excluded.doc
"""


class Journal:
    """The sandbox's memory."""

    def __init__(self, *, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(f"PRAGMA wal_autocheckpoint = {PAGES_BETWEEN_CHECKPOINTS}")
        self._db.executescript(SCHEMA)
        self._open: asyncio.Future[None] | None = None
        self._last_entry: int = self.read("SELECT coalesce(max(seq), 0) FROM entries")[0][0]

    def next_entry(self) -> int:
        """The place in the order that a request takes when it arrives."""
        self._last_entry += 1
        return self._last_entry

    def write(self, sql: str, arguments: tuple[Any, ...] = ()) -> int:
        """Runs one statement in the shared transaction; it is safe after `durable`."""
        if self._open is None:
            loop = asyncio.get_running_loop()
            self._db.execute("BEGIN IMMEDIATE")
            self._open = loop.create_future()
            loop.call_soon(self._commit)
        return self._db.execute(sql, arguments).lastrowid or 0

    @contextmanager
    def unit(self) -> Iterator[None]:
        """All of an operation's statements or, when it breaks down, none of them."""
        self.write("SAVEPOINT unit")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO unit")
            raise
        finally:
            self._db.execute("RELEASE unit")

    def read(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, arguments).fetchall()

    async def durable(self) -> None:
        """Returns once everything written so far is on disk; raises when it never will be."""
        if self._open is not None:
            await asyncio.shield(self._open)

    def _commit(self) -> None:
        batch, self._open = self._open, None
        if batch is None:
            return
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as failure:
            self._db.rollback()
            batch.set_exception(failure)
            batch.exception()
        else:
            batch.set_result(None)

    def save(
        self,
        doc: Doc,
        *,
        parent: str = "",
        created: float | None = None,
        body: bytes | None = None,
    ) -> None:
        """Keeps the newest state of an object; its place in time is that of its first save."""
        self.write(
            SAVE,
            (
                doc["id"],
                doc["object"],
                doc.get("status") or "",
                parent,
                clock.now() if created is None else created,
                body or orjson.dumps(doc),
            ),
        )

    def load(self, wanted: str) -> Doc | None:
        for (doc,) in self._db.execute("SELECT doc FROM objects WHERE id = ?", (wanted,)):
            found: Doc = orjson.loads(doc)
            return found
        return None

    def children(self, parent: str, *, kind: str) -> list[Doc]:
        rows = self.read(
            "SELECT doc FROM objects WHERE parent = ? AND kind = ? ORDER BY seq", (parent, kind)
        )
        return [orjson.loads(doc) for (doc,) in rows]

    def select(self, where: str, arguments: tuple[Any, ...] = ()) -> Iterator[Doc]:
        """Objects by a condition written in this package, newest last."""
        sql = f"SELECT doc FROM objects WHERE {where} ORDER BY seq"  # noqa: S608 our own conditions
        for (doc,) in self.read(sql, arguments):
            yield orjson.loads(doc)

    def note(self, seq: int, entry: Doc, *, reference: str | None, intent: str | None) -> None:
        """Writes what the witness tells at this place, or writes it anew."""
        self.write(
            "INSERT OR REPLACE INTO entries (seq, reference, intent, doc) VALUES (?, ?, ?, ?)",
            (seq, reference, intent, orjson.dumps(entry)),
        )

    def moved(self) -> float:
        """By how many seconds the time of this journal was moved."""
        rows = self.read("SELECT moved FROM clock")
        return float(rows[0][0]) if rows else 0.0

    def remember_moved(self, seconds: float) -> None:
        self.write("INSERT OR REPLACE INTO clock (one, moved) VALUES (1, ?)", (seconds,))

    def forget(self) -> None:
        for table in TABLES:
            self.write(f"DELETE FROM {table}")  # noqa: S608 a constant
        self._last_entry = 0

    def close(self) -> None:
        self._commit()
        self._db.close()
