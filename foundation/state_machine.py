"""State moves by one guarded UPDATE that journals itself in the same statement.

    UPDATE ... SET state = new WHERE id = ? AND state IN (allowed)

Exactly one row changes, or `IllegalTransition` is raised and nothing is written. The
transition row is inserted by the same statement, so there is no move without its record.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from foundation import clock, rows


class IllegalTransition(Exception):
    """The row was not in a state from which this move is allowed (or somebody else moved it)."""


@dataclass(frozen=True)
class StateTable:
    """Every legal move of one kind of thing: state → the states that may follow."""

    aggregate: str
    moves: Mapping[str, tuple[str, ...]]

    def sources(self, target: str) -> list[str]:
        """The states from which `target` may be reached."""
        return [state for state, targets in self.moves.items() if target in targets]

    @property
    def states(self) -> frozenset[str]:
        """Every state the table knows, terminal ones included."""
        return frozenset(self.moves) | {t for targets in self.moves.values() for t in targets}


def move(  # noqa: PLR0913 - a move has this many facts
    row: models.Model,
    *,
    table: StateTable,
    to: str,
    by: str,
    reason: str = "",
    only_from: Iterable[str] | None = None,
    fence: Mapping[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Move `row` to the state `to` and set `changes` with it; keep the object in step.

    `only_from` narrows the allowed sources; `fence` are further columns that must still
    hold the given values (a lease token). Raises `IllegalTransition`.
    """
    sources = [s for s in table.sources(to) if only_from is None or s in set(only_from)]
    new_values = {"state": to, **changes}
    with connection.cursor() as cursor:
        cursor.execute(*_statement(row, table, sources, new_values, dict(fence or {}), by, reason))
        if cursor.rowcount != 1:
            raise IllegalTransition(f"{table.aggregate} {row.pk}: no move to {to!r} from here")
    for name, value in new_values.items():
        setattr(row, name, value)


def _statement(  # noqa: PLR0913 - private; the pieces of one statement
    row: models.Model,
    table: StateTable,
    sources: list[str],
    new_values: dict[str, Any],
    fence: dict[str, Any],
    by: str,
    reason: str,
) -> tuple[str, list[Any]]:
    sets, set_values = rows.assignments(row, new_values)
    guards, guard_values = rows.assignments(row, fence)
    name = connection.ops.quote_name(row._meta.db_table)  # noqa: SLF001 - Django's public meta API
    guard_sql = "".join(f" AND {guard}" for guard in guards)
    sql = f"""
        WITH before AS (
            SELECT id, state FROM {name} WHERE id = %s AND state = ANY(%s){guard_sql}
            FOR NO KEY UPDATE
        ), moved AS (
            UPDATE {name} SET {", ".join(sets)} FROM before WHERE {name}.id = before.id
            RETURNING before.id, before.state
        )
        INSERT INTO foundation_transition
            (aggregate, aggregate_id, from_state, to_state, actor, reason, at)
        SELECT %s, id, state, %s, %s, %s, %s FROM moved
    """  # noqa: S608 - table and column names come from our own models, values are parameters
    journal = [table.aggregate, new_values["state"], by, reason[:500], clock.now()]
    return sql, [row.pk, sources, *guard_values, *set_values, *journal]
