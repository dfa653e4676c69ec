"""`manage.py grant_roles`: give the roles of staff what a new version added to them."""

from typing import Any

from django.core.management.base import BaseCommand

from checkout_project import roles


class Command(BaseCommand):
    """Idempotent; takes nothing away."""

    help = "Give the roles of staff (viewer, support, finance, operations) what they lack."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Grant, and say how much each has."""
        roles.make_permissions()
        for name, count in roles.grant().items():
            self.stdout.write(f"{name}: {count} permissions")
