"""Rules that must hold over the rows as they stand, each a class that names what breaks it.

A rule is SQL that returns the offending rows: nothing in it writes, and it runs in a
READ ONLY transaction. Rules about rows in flight leave them a grace, so that what is merely
at work does not count. Each app states its own in its `invariants.py`; the timetable, the
admin, the metrics and `manage.py check_invariants` ask them all.
"""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar

from django.db import connection

from foundation import clock, ids
from foundation.idempotency import SYSTEM_SCOPE
from foundation.state_machine import StateTable
from foundation.transactions import durable


@dataclass(frozen=True)
class Violation:
    """One row that breaks a rule: what kind of row, which, and how."""

    about: str
    row_id: str
    detail: str


@dataclass(frozen=True)
class Findings:
    """How many rows break a rule, and the first of them."""

    count: int
    rows: tuple[Violation, ...]


class Invariant:
    """One rule. Subclasses set the class attributes; `sql` selects (id, detail) of each offender.

    The SQL may use `%(since)s` (the smallest id to look at), `%(now)s`, and `%(settled)s`
    (`now` without the grace): what was touched after it may still be at work.
    """

    name: ClassVar[str]
    rule: ClassVar[str]
    about: ClassVar[str]
    sql: ClassVar[str]
    grace_seconds: ClassVar[float] = 0.0

    def violations(self, *, limit: int, since: dt.datetime | None = None) -> Findings:
        """The rows that break it, among those made `since` (None: all), at most `limit` told.

        One statement in a READ ONLY transaction. Raises Django's database errors, a
        statement that took longer than it may among them.
        """
        sql = f"SELECT id, detail, count(*) OVER () FROM ({self.sql}) AS found (id, detail)"  # noqa: S608 - our own SQL
        with durable(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(f"{sql} LIMIT %(limit)s", self.parameters(since) | {"limit": limit})
            found = cursor.fetchall()
        rows = tuple(Violation(self.about, str(row_id), str(how)) for row_id, how, _ in found)
        return Findings(int(found[0][2]) if found else 0, rows)

    def parameters(self, since: dt.datetime | None) -> dict[str, Any]:
        """What the SQL may refer to by name."""
        now = clock.now()
        return {
            "since": uuid.UUID(int=0) if since is None else ids.floor(since),
            "now": now,
            "settled": now - dt.timedelta(seconds=self.grace_seconds),
        }


Rule = TypeVar("Rule", bound=type[Invariant])
_REGISTRY: Final[dict[str, Invariant]] = {}


def register(rule: Rule) -> Rule:
    """Class decorator: this rule is asked with all the others."""
    if rule.name in _REGISTRY and type(_REGISTRY[rule.name]) is not rule:
        raise ValueError(f"two invariants are named {rule.name!r}")
    _REGISTRY[rule.name] = rule()
    return rule


def every_rule() -> Iterable[Invariant]:
    """All registered rules, by name."""
    return [_REGISTRY[name] for name in sorted(_REGISTRY)]


class MovesFormAPath(Invariant):
    """For one kind of row: each move is legal, begins where the last ended, and was the last word.

    Subclasses add `table` (the legal moves) and `db_table` (the rows' own table).
    """

    table: ClassVar[StateTable]
    db_table: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """The SQL follows from the table's name."""
        cls.about = cls.table.aggregate
        cls.sql = _PATH.format(db_table=cls.db_table)

    def parameters(self, since: dt.datetime | None) -> dict[str, Any]:
        """With every legal pair of states."""
        pairs = [(a, b) for a, targets in self.table.moves.items() for b in targets]
        return super().parameters(since) | {
            "aggregate": self.table.aggregate,
            "sources": [source for source, _ in pairs],
            "targets": [target for _, target in pairs],
        }


_PATH: Final = """
    WITH steps AS (
        SELECT subject.id, subject.state, moved.from_state, moved.to_state,
               lag(moved.to_state) OVER story AS stood_at,
               lead(moved.id) OVER story IS NULL AS is_last
        FROM {db_table} subject
        JOIN foundation_transition moved
            ON moved.aggregate_id = subject.id AND moved.aggregate = %(aggregate)s
        WHERE subject.id >= %(since)s
        WINDOW story AS (PARTITION BY moved.aggregate_id ORDER BY moved.id)
    )
    SELECT id, 'illegal move from ' || from_state || ' to ' || to_state FROM steps
    WHERE (from_state, to_state) NOT IN (
        SELECT legal.source, legal.target
        FROM unnest(%(sources)s::text[], %(targets)s::text[]) AS legal (source, target)
    )
    UNION ALL
    SELECT id, 'moved from ' || from_state || ' but stood at ' || stood_at FROM steps
    WHERE stood_at <> from_state
    UNION ALL
    SELECT id, 'is ' || state || ' but its last move was to ' || to_state FROM steps
    WHERE is_last AND state <> to_state
"""


@register
class OpenKeysAreWorkedOn(Invariant):
    """I-5: a dead lease is taken over by the next sweep."""

    name = "open_keys_are_worked_on"
    rule = "No open idempotency key stands with a dead lease for longer than ten minutes."
    about = "idempotencykey"
    grace_seconds = 600.0
    sql = """
        SELECT id, 'its lease ended ' || leased_until FROM foundation_idempotencykey
        WHERE state = 'in_progress' AND leased_until < %(settled)s
    """


@register
class EndedKeysHaveAnswers(Invariant):
    """I-5: a key that ended can be replayed."""

    name = "ended_keys_have_answers"
    rule = "Every ended idempotency key has a stored answer, and every open one has none."
    about = "idempotencykey"
    sql = """
        SELECT id, state || ', answer ' || coalesce(response_status::text, 'missing')
        FROM foundation_idempotencykey
        WHERE id >= %(since)s
          AND (state = 'in_progress') <> (response_status IS NULL OR response_body IS NULL)
    """


@register
class OneClientKeyPerSaga(Invariant):
    """I-1: two keys of clients never lead to one saga, nor two of the system."""

    name = "one_client_key_per_saga"
    rule = "A saga has one key of its client and at most one of the system's own."
    about = "idempotencykey"
    sql = f"""
        SELECT min(id::text), count(*) || ' keys for one ' || min(subject_kind)
        FROM foundation_idempotencykey
        WHERE id >= %(since)s
        GROUP BY subject_id, scope = '{SYSTEM_SCOPE}' HAVING count(*) > 1
    """  # noqa: S608 - a constant of ours


@register
class StaffMovesAreOnRecord(Invariant):
    """A-1: whoever moved something by hand said why.

    On whichever row they acted: canceling an order moves its payment and shipments as well. About
    the row itself they may have said it long before: a release can be in doubt for days.
    """

    name = "staff_moves_are_on_record"
    rule = (
        "Every move made by staff has an audit entry by the same person, a day before at most"
        " when it is about another row."
    )
    about = "transition"
    sql = """
        SELECT moved.id, moved.actor || ' moved ' || moved.aggregate || ' to ' || moved.to_state
        FROM foundation_transition moved
        WHERE moved.actor LIKE 'staff:%%' AND moved.aggregate_id >= %(since)s
          AND NOT EXISTS (
            SELECT 1 FROM foundation_auditentry entry
            WHERE entry.actor = moved.actor AND entry.reason <> ''
              AND entry.at <= moved.at + interval '1 minute'
              AND (entry.aggregate_id = moved.aggregate_id
                   OR entry.at >= moved.at - interval '1 day')
        )
    """
