"""`manage.py revoke_api_key KEY_OR_HINT`: that key opens nothing from now on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from foundation import clock
from foundation.authentication import digest_of
from foundation.models import ApiKey


class Command(BaseCommand):
    """A worker that saw the key may believe it for API_KEY_CACHE_SECONDS more."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The key itself, or its hint as the admin shows it."""
        parser.add_argument("key", help="the whole key, or its hint (sk_test_abcd…wxyz)")

    def handle(self, *_args: Any, **options: Any) -> str:
        """Revoke exactly one live key, or say why not."""
        live = ApiKey.objects.filter(revoked_at=None)
        found = live.filter(digest=digest_of(options["key"])) or live.filter(hint=options["key"])
        if len(found) != 1:
            raise CommandError(
                f"{len(found)} live keys are known by that; revoke by the whole key."
            )
        key = found[0]
        ApiKey.objects.filter(pk=key.pk).update(revoked_at=clock.now())
        return f"{key.hint} of {key.client.name} is revoked."
