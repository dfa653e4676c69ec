"""Ways to take a guard away, for the controls: each a context in which the code is naive."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final
from unittest import mock

from django.db import connection, models

from foundation import clock, rows, state_machine
from foundation.models import Transition
from foundation.state_machine import IllegalTransition, StateTable

_REALLY_UPDATE: Final = rows.update
_UNIQUE: Final = """
    SELECT class.relname, pg_get_indexdef(class.oid), made.conname, pg_get_constraintdef(made.oid)
    FROM pg_index index
    JOIN pg_class class ON class.oid = index.indexrelid
    LEFT JOIN pg_constraint made ON made.conindid = index.indexrelid AND made.contype = 'u'
    WHERE index.indrelid = %s::regclass AND index.indisunique AND NOT index.indisprimary
"""


@contextmanager
def together(*parts: AbstractContextManager[Any]) -> Iterator[None]:
    """Several guards away at once: where one stands behind the other."""
    with ExitStack() as stack:
        for part in parts:
            stack.enter_context(part)
        yield


def naive(module: Any, **instead: Callable[..., Any]) -> AbstractContextManager[Any]:
    """The module with naive functions in the place of its own."""
    return mock.patch.multiple(module, **instead)


@contextmanager
def without_unique(table: str, columns: str) -> Iterator[None]:
    """The table without what makes these columns unique. It must be empty when this ends."""
    found = [row for row in _run(_UNIQUE, [table]) if f"({columns})" in row[1]]
    assert found, f"nothing makes ({columns}) of {table} unique"
    for index, _, constraint, _ in found:
        is_rule = constraint is not None
        _run(f"ALTER TABLE {table} DROP CONSTRAINT {index}" if is_rule else f"DROP INDEX {index}")
    try:
        yield
    finally:
        for _, definition, constraint, rule in found:
            is_rule = constraint is not None
            _run(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {rule}" if is_rule
                 else definition)  # fmt: skip


@contextmanager
def without_rule(table: str, name: str) -> Iterator[None]:
    """The table without one of its CHECK constraints. It must be empty when this ends."""
    found = _run("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
    _run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    try:
        yield
    finally:
        _run(f"ALTER TABLE {table} ADD CONSTRAINT {name} {found[0][0]}")


def _run(sql: str, values: list[str] | None = None) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def nothing_is_guarded() -> AbstractContextManager[Any]:
    """Every UPDATE hits: no state is compared, no token, whoever wrote it."""
    movers = [
        module
        for module in list(sys.modules.values())
        if vars(module).get("move") is state_machine.move and module is not state_machine
    ]
    return together(
        *(mock.patch.object(module, "move", move_whatever_it_is) for module in movers),
        mock.patch.object(rows, "update", _update_whatever_it_is),
    )


def move_whatever_it_is(
    row: models.Model,
    *,
    table: StateTable,
    to: str,
    by: str,
    reason: str = "",
    only_from: Any = None,
    fence: Any = None,
    **changes: Any,
) -> None:
    """In the place of `state_machine.move`: UPDATE ... WHERE id = ?, and nothing else asked.

    As a programmer would write it who has read the row before, and trusts what he read.
    """
    read = getattr(row, "stored_state", "") or row.state  # a saga's memory is ahead of its row
    if read not in table.sources(to) or (only_from and read not in only_from):
        raise IllegalTransition(f"read as {read}, which does not become {to}")
    Transition.objects.create(
        aggregate=table.aggregate, aggregate_id=row.pk, from_state=read, to_state=to, actor=by,
        reason=reason, at=clock.now(),
    )  # fmt: skip
    _update_whatever_it_is(row, guard={}, state=to, **changes)


def _update_whatever_it_is(row: models.Model, *, guard: Any, **values: Any) -> bool:
    return _REALLY_UPDATE(row, guard={}, **values)


def nothing_is_locked() -> AbstractContextManager[Any]:
    """`select_for_update` reads like any other query: no lock, and nothing skipped."""
    return mock.patch.object(
        models.QuerySet, "select_for_update", lambda rows, *_args, **_options: rows.all()
    )
