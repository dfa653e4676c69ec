"""Lines on their way into the books: a table of this transaction only, filled by COPY, then moved.

However long a report is, memory holds one line of it; what needs all of them is asked in SQL.
"""

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any, Final

import orjson
from django.conf import settings
from django.db import connection

from foundation.ids import parse
from reconciliation.readers.base import FAULTS_MAX, Fault, Line

_COLUMNS: Final = (
    "number", "external_id", "digest", "category", "currency", "gross", "fee", "net",
    "occurred_at", "available_on", "processor_reference", "payment_reference", "payment_id",
    "source_id", "payout_id", "raw",
)  # fmt: skip
_LIST: Final = ", ".join(_COLUMNS)
_MAKE: Final = f"""
    CREATE TEMP TABLE settlement_staging ON COMMIT DROP AS
    SELECT {_LIST} FROM reconciliation_settlementline WITH NO DATA
"""  # noqa: S608 - our own names, here and below
_COPY: Final = f"COPY settlement_staging ({_LIST}) FROM STDIN"
_FROM_COLLECTION: Final = f"""
    INSERT INTO settlement_staging ({_LIST})
    SELECT row_number() OVER (ORDER BY told.occurred_at, told.external_id),
           {", ".join(f"told.{name}" for name in _COLUMNS[1:])}
    FROM reconciliation_collectedline line,
         LATERAL jsonb_populate_record(NULL::settlement_staging, line.facts) AS told
    WHERE line.collection_id = %s
"""  # noqa: S608
_DIFFERENT_TWINS: Final = """
    SELECT max(number), min(number) FROM settlement_staging
    GROUP BY external_id HAVING count(DISTINCT digest) > 1 ORDER BY 1 LIMIT %s
"""
_OUTSIDE: Final = """
    SELECT number, occurred_at FROM settlement_staging
    WHERE occurred_at < %s OR occurred_at >= %s ORDER BY number LIMIT %s
"""
_DIGEST: Final = """
    SELECT encode(
        sha256((%s || coalesce(string_agg(digest, '' ORDER BY digest), ''))::bytea), 'hex'
    ) FROM settlement_staging
"""
# A line that says no more than one that is kept is not new: a list names no payout, and names
# our payment only where the processor's line carries it. One that says something else is, and
# counts instead of the last one that was kept.
_MOVE: Final = f"""
    WITH moved AS (
    INSERT INTO reconciliation_settlementline (report_id, account, {_LIST})
    SELECT %(report)s::uuid, %(account)s::varchar, {_LIST} FROM settlement_staging told
    WHERE NOT EXISTS (
        SELECT FROM reconciliation_settlementline kept
        WHERE kept.account = %(account)s::varchar AND kept.external_id = told.external_id
          AND (kept.category, kept.currency, kept.gross, kept.fee, kept.net, kept.occurred_at,
               kept.processor_reference, kept.source_id)
            = (told.category, told.currency, told.gross, told.fee, told.net, told.occurred_at,
               told.processor_reference, told.source_id)
          AND (told.available_on IS NULL OR told.available_on = kept.available_on)
          AND told.payment_reference IN ('', kept.payment_reference)
          AND told.payout_id IN ('', kept.payout_id)
    )
    ORDER BY number
    ON CONFLICT DO NOTHING
    RETURNING id, external_id
    ), retold AS (
    INSERT INTO reconciliation_retelling (line_id, earlier_id)
    SELECT moved.id, earlier.id FROM moved CROSS JOIN LATERAL (
        SELECT max(kept.id) AS id FROM reconciliation_settlementline kept
        WHERE kept.account = %(account)s::varchar AND kept.external_id = moved.external_id
    ) earlier WHERE earlier.id IS NOT NULL
    )
    SELECT count(*) FROM moved
"""  # noqa: S608


def make() -> None:
    """The empty table. It takes as long as a report may take, not as long as a statement may."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{settings.SETTLEMENT_SECONDS_MAX}s'")
        cursor.execute(f"SET LOCAL lock_timeout = '{settings.SETTLEMENT_SECONDS_MAX}s'")
        cursor.execute(_MAKE)


def fill(lines: Iterable[Line]) -> None:
    """By COPY, line after line as they are read. What is raised by reading them ends it."""
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(_COPY) as copy,
    ):
        for line in lines:
            copy.write_row(_values(line))


def fill_from_collection(collection_id: int) -> None:
    """With the lines that were collected, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_FROM_COLLECTION, [collection_id])


def facts(line: Line) -> dict[str, Any]:
    """The same as a JSON object, for a line that is kept for later."""
    plain = dict(zip(_COLUMNS, _values(line), strict=True)) | {"raw": line.raw}
    return {
        name: value.isoformat() if isinstance(value, dt.datetime)
        else str(value) if isinstance(value, uuid.UUID)
        else value
        for name, value in plain.items()
    }  # fmt: skip


def _values(line: Line) -> tuple[Any, ...]:
    return (
        line.number, line.external_id, line.digest, line.category, line.currency, line.gross,
        line.fee, line.net, line.occurred_at, line.available_on, line.processor_reference,
        line.payment_reference, parse("pay", line.payment_reference), line.source_id,
        line.payout_id, orjson.dumps(line.raw).decode(),
    )  # fmt: skip


def different_twins() -> list[Fault]:
    """Lines of one id that do not say the same."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE settlement_staging")
        cursor.execute(_DIFFERENT_TWINS, [FAULTS_MAX])
        return [
            Fault(last, f"has the id of line {first}, and says something else")
            for last, first in cursor.fetchall()
        ]


def outside(begin: dt.datetime, end: dt.datetime) -> list[Fault]:
    """Lines of another time than the report claims to tell of."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTSIDE, [begin, end, FAULTS_MAX])
        return [
            Fault(number, f"is of {at:%Y-%m-%d %H:%M:%S} UTC, outside of what the report tells of")
            for number, at in cursor.fetchall()
        ]


def extent() -> tuple[int, dt.datetime | None, dt.datetime | None]:
    """How many lines there are, and the first and the last moment they tell of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(occurred_at), max(occurred_at) FROM settlement_staging"
        )
        count, first, last = cursor.fetchone()
    return count, first, last


def digest_of(subject: str) -> str:
    """Of all that they say of it, whatever their order; computed there, not here."""
    with connection.cursor() as cursor:
        cursor.execute(_DIGEST, [f"{subject} "])
        return str(cursor.fetchone()[0])


def move(*, report_id: uuid.UUID, account: str) -> int:
    """Into the books; how many of them said anything new."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {"report": report_id, "account": account})
        return int(cursor.fetchone()[0])
