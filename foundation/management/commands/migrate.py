"""`manage.py migrate`: as the login itself, and then the application's role gets its privileges."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from foundation.postgres.privileges import RoleNotMade, equip


class Command(migrate.Command):
    """Django's own, between becoming the owner and equipping `DATABASE_ROLE`."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate; on what only looks (`--plan`, `--check`) the role is left as it is."""
        role = settings.DATABASE_ROLE
        connection: Any = connections[options["database"]]
        if not role:
            super().handle(*args, **options)
            return
        with connection.as_owner():
            super().handle(*args, **options)
            if not (options["plan"] or options["check_unapplied"]):
                _equip(connection, role)


def _equip(connection: Any, role: str) -> None:
    try:
        equip(connection, role)
    except RoleNotMade as error:
        raise CommandError(
            f"This login may not make, or not become, the role {role} of DATABASE_ROLE. As a"
            f" superuser run what is missing of this, with the login's name for SESSION_USER,"
            f" then migrate again: {error}"
        ) from error
