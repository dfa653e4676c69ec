"""Rows in plain SQL, compiled once: the hot path's way of writing.

Django compiles the SQL of every `save()` anew, and one statement a row. Here the SQL of a
combination of models is compiled once, all rows travel in one round trip, and what the
database fills in (a number from a sequence) comes back with it. Deferred foreign keys let
the rows of one statement point at each other in any order.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from django.db import connection, models
from psycopg.types.json import Jsonb


def insert(*rows: models.Model) -> None:
    """Insert `rows`, all or none. Raises `IntegrityError` as `save()` would."""
    groups: dict[type[models.Model], list[models.Model]] = {}
    for row in rows:
        groups.setdefault(type(row), []).append(row)
    sql, told = _statement(tuple((model, len(members)) for model, members in groups.items()))
    values = [
        _for_driver(field, getattr(row, field.attname))
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


def insert_unless_there(row: models.Model) -> bool:
    """Insert `row` unless one of its unique constraints says that it is there; whether it was new.

    Two at once: the second waits for the first one's commit, and is told no.
    """
    sql = f"{_insert(type(row), 1, [])} ON CONFLICT DO NOTHING"
    values = [_for_driver(field, getattr(row, field.attname)) for field in _written(type(row))]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return bool(cursor.rowcount == 1)


def update(row: models.Model, *, guard: Mapping[str, Any], **values: Any) -> bool:
    """Change `row` if its columns still hold what `guard` says; whether they did."""
    sets, set_values = assignments(row, values)
    guards, guard_values = assignments(row, guard)
    table = connection.ops.quote_name(row._meta.db_table)  # noqa: SLF001 - Django's public meta API
    where = " AND ".join(["id = %s", *guards])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {', '.join(sets)} WHERE {where}",  # noqa: S608 - our own names
            [*set_values, row.pk, *guard_values],
        )
        if cursor.rowcount != 1:
            return False
    for name, value in values.items():
        setattr(row, name, value)
    return True


def assignments(row: models.Model, values: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """`values` as `column = %s` pieces, and what the driver is given for them."""
    prepared = []
    for name, value in values.items():
        plain = value.pk if isinstance(value, models.Model) else value
        prepared.append(_for_driver(_field(type(row), name), plain))
    return [f"{_quoted(_field(type(row), name))} = %s" for name in values], prepared


def _for_driver(field: "models.Field[Any, Any]", value: Any) -> Any:
    """A value as psycopg takes it: most of ours are what it knows already."""
    if value is None:
        return None
    if isinstance(field, models.JSONField):
        return Jsonb(value, dumps=orjson.dumps)
    if isinstance(field, models.GenericIPAddressField):
        return field.get_db_prep_save(value, connection)
    return value


@cache
def _field(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    field = model._meta.get_field(name)  # noqa: SLF001 - as above
    assert isinstance(field, models.Field)  # noqa: S101 - narrows the type
    return field


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


@cache
def _quoted(field: "models.Field[Any, Any]") -> str:
    return connection.ops.quote_name(str(field.column))
