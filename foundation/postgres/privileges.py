"""What the application's role may do: everything with rows, but nothing is changed that must stay.

The role owns nothing, so it can neither drop a trigger nor empty a table. On append-only
tables it may read and add. `manage.py migrate` calls this each time it ends, so a table of a
later migration is never forgotten.
"""

from typing import Any, Final

from django.db import ProgrammingError, transaction
from psycopg import sql

from foundation.postgres.append_only import append_only_models
from foundation.transactions import sqlstate

_FORBIDDEN: Final = "42501"

# Roles belong to the whole server: another database's migrate may be making it right now.
_MAKE: Final = """
    DO $$ BEGIN
        CREATE ROLE {role} NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$
"""
# Since PostgreSQL 16 whoever makes a role administers it, but may not yet become it.
_BECOME: Final = """
    DO $$ DECLARE
        needed text := CASE WHEN current_setting('server_version_num')::int < 160000
            THEN 'MEMBER' ELSE 'SET' END;
    BEGIN
        IF NOT pg_has_role(session_user, {name}, needed) THEN
            GRANT {role} TO SESSION_USER;
        END IF;
    END $$
"""
_USE: Final = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}",
)
_KEEP: Final = "REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}"


class RoleNotMade(Exception):
    """This login may not make the role, or not become it. The text is the SQL that would help."""


def equip(connection: Any, role: str) -> None:
    """Make the role if it is missing, and give it what it may do on every table, all or nothing.

    `connection` is the owner's. Raises `RoleNotMade`.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        _make(cursor, role)
        tables = set(connection.introspection.table_names(cursor))
        for statement in _statements(cursor, role, tables):
            cursor.execute(statement)


def _make(cursor: Any, role: str) -> None:
    """Make the role where it is missing, and let this login become it where it may not yet."""
    named = {"role": sql.Identifier(role), "name": sql.Literal(role)}
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    try:
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL(_MAKE).format(**named))
        cursor.execute(sql.SQL(_BECOME).format(**named))
    except ProgrammingError as error:
        if sqlstate(error) != _FORBIDDEN:
            raise
        text = f"CREATE ROLE {role} NOLOGIN; GRANT {role} TO SESSION_USER"
        raise RoleNotMade(text) from error


def _statements(cursor: Any, role: str, tables: set[str]) -> list[sql.Composed]:
    """`tables` are those that exist: somebody may have migrated only so far."""
    cursor.execute("SELECT current_schema()")
    (schema,) = cursor.fetchone()
    names = {"role": sql.Identifier(role), "schema": sql.Identifier(schema)}
    kept = tables & {model._meta.db_table for model in append_only_models()}  # noqa: SLF001 - Django's public meta API
    return [sql.SQL(statement).format(**names) for statement in _USE] + [
        sql.SQL(_KEEP).format(table=sql.Identifier(table), **names) for table in sorted(kept)
    ]
