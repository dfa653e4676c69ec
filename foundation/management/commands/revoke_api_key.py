"""`manage.py revoke_api_key KEY_OR_HINT`: that key opens nothing from now on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from foundation.edge.api_keys import KeyNotFound, find_live, revoke


class Command(BaseCommand):
    """A worker that saw the key may believe it for API_KEY_CACHE_SECONDS more."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The key itself, or its hint as the admin shows it."""
        parser.add_argument("key", help="the whole key, or its hint (sk_test_abcd…wxyz)")

    def handle(self, *_args: Any, **options: Any) -> str:
        """Revoke exactly one live key, or say why not."""
        try:
            key = find_live(options["key"])
        except KeyNotFound as error:
            raise CommandError(str(error)) from error
        revoke(key)
        return f"{key.hint} of {key.client.name} is revoked."
