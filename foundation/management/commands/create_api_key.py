"""`manage.py create_api_key NAME`: a key for a client, shown once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from foundation.edge.authentication import SCOPES, create_key
from foundation.models import ApiClient


class Command(BaseCommand):
    """A second key for the same name is how one is rotated: make, deploy, revoke the old."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME, scopes, live or test."""
        parser.add_argument("name", help="the client; made if it does not exist")
        parser.add_argument(
            "--scopes",
            default=",".join(SCOPES),
            help=f"comma-separated, of: {', '.join(SCOPES)} (default: all)",
        )
        parser.add_argument("--live", action="store_true", help="sk_live_ instead of sk_test_")
        parser.add_argument("--sees-all", action="store_true", help="reads what others made, too")

    def handle(self, *_args: Any, **options: Any) -> str:
        """Print the key and nothing else, so that a script can read it."""
        scopes = options["scopes"]
        wanted = scopes.split(",") if isinstance(scopes, str) else list(scopes)
        client, _ = ApiClient.objects.get_or_create(name=options["name"])
        try:
            return create_key(
                client, scopes=wanted, live=options["live"], sees_all=options["sees_all"]
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
