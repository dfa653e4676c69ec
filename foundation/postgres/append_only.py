"""Tables that are only ever added to: the database itself refuses to change or remove a row.

The models say so (`is_append_only = True`), migrations put the trigger on (`append_only`),
and `foundation/postgres/privileges.py` takes the privilege away from the application's role.
"""

from typing import Any, Final

from django.apps import apps
from django.db import migrations, models

FUNCTION: Final = "foundation_refuse_change"
TRIGGER: Final = "append_only"

MAKE_FUNCTION: Final = f"""
    CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'restrict_violation';
    END $$
"""


def append_only(table: str) -> migrations.RunSQL:
    """The operation that makes a table append-only, for everybody, its owner included."""
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {TRIGGER} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}();
        ALTER TABLE {table} ENABLE ALWAYS TRIGGER {TRIGGER}
        """,
        f"DROP TRIGGER {TRIGGER} ON {table}",
    )


def append_only_models() -> list[type[models.Model]]:
    """Every model whose rows are never changed."""
    return [model for model in apps.get_models() if _is_append_only(model)]


def _is_append_only(model: Any) -> bool:
    return bool(getattr(model, "is_append_only", False))
