"""Many rows quickly: copies of one, made by the database itself."""

from django.db import connection


def copies(row, count, **changes):
    """`count` rows like this one. `changes` is SQL for the columns that differ, over `nth`."""
    meta = row._meta
    columns = [field.column for field in meta.concrete_fields]
    unknown = set(changes) - set(columns)
    assert not unknown, unknown
    values = ", ".join(changes.get(column, f'copied."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} ({names}) SELECT {values}"
            f" FROM {meta.db_table} copied, generate_series(1, {count}) nth"
            f" WHERE copied.{meta.pk.column} = %s",
            [row.pk],
        )


def an_id(kind):
    """SQL for the id of the nth row of a kind; whoever points at it says the same."""
    return f"md5('{kind}' || nth)::uuid"
