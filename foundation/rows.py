"""Insert rows of several models in one statement: the hot path's way of writing.

Django compiles the SQL of every `save()` anew, and one statement a row. Here the SQL of a
combination of models is compiled once, all rows travel in one round trip, and what the
database fills in (a number from a sequence) comes back with it. Deferred foreign keys let
the rows of one statement point at each other in any order.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection, models


def insert(*rows: models.Model) -> None:
    """Insert `rows`, all or none. Raises `IntegrityError` as `save()` would."""
    groups: dict[type[models.Model], list[models.Model]] = {}
    for row in rows:
        groups.setdefault(type(row), []).append(row)
    sql, told = _statement(tuple((model, len(members)) for model, members in groups.items()))
    values = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for model, members in groups.items()
        for row in members
        for field in _written(model)
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        answer = cursor.fetchone() if told else ()
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001 - as save() does
    for (model, name), value in zip(told, answer or (), strict=True):
        setattr(groups[model][0], name, value)


@cache
def _written(model: type[models.Model]) -> "tuple[models.Field[Any, Any], ...]":
    return tuple(f for f in model._meta.concrete_fields if not f.db_returning)  # noqa: SLF001


@cache
def _statement(
    groups: tuple[tuple[type[models.Model], int], ...],
) -> tuple[str, Sequence[tuple[type[models.Model], str]]]:
    """The SQL, and which fields of which models its one answering row fills."""
    parts, told = [], []
    for number, (model, count) in enumerate(groups):
        returned = [f for f in model._meta.concrete_fields if f.db_returning]  # noqa: SLF001
        told += [(model, field.attname, f"made{number}.{_quoted(field)}") for field in returned]
        parts.append(f"made{number} AS ({_insert(model, count, returned)})")
    if len(groups) == 1 and not told:
        model, count = groups[0]
        return _insert(model, count, []), ()
    sources = sorted({column.split(".")[0] for _, _, column in told})
    answer = ", ".join(column for _, _, column in told) or "1"
    origin = f" FROM {', '.join(sources)}" if sources else ""
    sql = f"WITH {', '.join(parts)} SELECT {answer}{origin}"
    return sql, [(model, name) for model, name, _ in told]


def _insert(
    model: type[models.Model], count: int, returned: "Sequence[models.Field[Any, Any]]"
) -> str:
    fields = _written(model)
    table = connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001
    columns = ", ".join(_quoted(field) for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    sql = f"INSERT INTO {table} ({columns}) VALUES {', '.join([row] * count)}"  # noqa: S608 - as above
    return sql + (f" RETURNING {', '.join(map(_quoted, returned))}" if returned else "")


def _quoted(field: "models.Field[Any, Any]") -> str:
    return connection.ops.quote_name(str(field.column))
