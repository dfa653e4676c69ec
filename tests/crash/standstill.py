"""Equal worlds have equal futures: those that came to rest, and how a trial's rows are taken away.

A world from which the house has come to rest before, with every rule asked, is not driven again,
but for one in `SPOT_CHECK`: there "equal worlds, equal futures" itself is put to the proof.
"""

import json
import uuid
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction

from foundation.postgres.append_only import FUNCTION
from tests.crash.plain import IS_NEW, tables

SPOT_CHECK: Final = 60
# In the databases of the trials alone: whoever takes a trial's rows away says so by his role,
# which needs a superuser. (To switch the guards off each time makes every session plan anew.)
LOOK_AWAY: Final = f"""
    CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('session_replication_role') = 'replica' THEN
            RETURN NULL;
        END IF;
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'restrict_violation';
    END $$
"""


class Standstills:
    """Worlds that came to rest with every promise kept; all workers of a run share them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "standstills"
        self._folder.mkdir(exist_ok=True)

    def has(self, world: str) -> bool:
        """Whether anybody came to rest from it."""
        return (self._folder / world).exists()

    def known(self, world: str, *, may_check: bool = True) -> dict[str, Any] | None:
        """What came of it the first time; None when it is new, or due for a spot check.

        Who could not make the check leaves it to the next one.
        """
        if not self.has(world) or not (may_check or (self._met(world) + 1) % SPOT_CHECK):
            return None
        told: dict[str, Any] = json.loads((self._folder / world).read_text())
        return told if self._meet(world) % SPOT_CHECK else None

    def _met(self, world: str) -> int:
        counter = self._folder / f"{world}.met"
        return counter.stat().st_size if counter.exists() else 0

    def _meet(self, world: str) -> int:
        """How often, this time included: whoever meets it leaves a byte."""
        with (self._folder / f"{world}.met").open("ab") as file:
            file.write(b".")
            file.flush()
            return file.tell()

    def remember(self, world: str, told: dict[str, Any]) -> None:
        """It came to rest, and all was well."""
        place = self._folder / f".{uuid.uuid4().hex}"
        place.write_text(json.dumps(told))
        place.rename(self._folder / world)


def _empty_at_first(since: int) -> list[str]:
    """Tables in which nothing stood before the first trial in this database."""
    each = " UNION ALL ".join(
        f"(SELECT '{name}' FROM {name} t, since WHERE NOT {IS_NEW} LIMIT 1)" for name in tables()
    )
    with connection.cursor() as cursor:
        cursor.execute(f"WITH since(xid) AS (VALUES (%s::bigint)) {each}", [since])
        full = {name for (name,) in cursor.fetchall()}
    return [name for name in tables() if name not in full]


class Broom:
    """Takes away what a trial left that is not driven to rest: the next sweep is not to find it.

    The guards of the append-only tables look away for that moment.
    """

    def __init__(self, since: int) -> None:
        self._tables = _empty_at_first(since)

    def sweep(self, since: int) -> None:
        """Every row of the trial. What the shop had before stays, as it was changed."""
        rows = [f"DELETE FROM {t} WHERE xmin::text::bigint >= {since:d}" for t in self._tables]
        role = "SET LOCAL session_replication_role = replica"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(";".join([role, *rows]))
