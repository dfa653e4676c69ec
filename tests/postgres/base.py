"""Between two tests everything is emptied, and append-only tables refuse that, as they must.

The way past their triggers stands here, in the tests, and needs the tables' owner: there is
none in the project.
"""

from django.db import transaction
from django.db.backends.postgresql import operations

from foundation.postgres import base
from foundation.postgres.append_only import TRIGGER, append_only_models


class DatabaseOperations(operations.DatabaseOperations):
    """The same, but for the flush."""

    def execute_sql_flush(self, sql_list):
        """Run the TRUNCATEs with the triggers off, and put them back, all or nothing."""
        with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
            for statement in [*_triggers("DISABLE"), *sql_list, *_triggers("ENABLE ALWAYS")]:
                cursor.execute(statement)


def _triggers(wish):
    tables = [model._meta.db_table for model in append_only_models()]
    return [f"ALTER TABLE {table} {wish} TRIGGER {TRIGGER}" for table in tables]


class DatabaseWrapper(base.DatabaseWrapper):
    """The project's, with the flush above."""

    ops_class = DatabaseOperations
