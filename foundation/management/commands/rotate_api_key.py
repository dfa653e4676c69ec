"""`manage.py rotate_api_key KEY_OR_HINT`: a new key in place of one that ends after a while."""

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from foundation.edge.api_keys import KeyNotFound, find_live, rotate


class Command(BaseCommand):
    """Both keys work for the overlap: deploy the new one, and see in the admin who uses the old."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The key itself, or its hint as the admin shows it; and for how long both work."""
        parser.add_argument("key", help="the whole key, or its hint (sk_test_abcd…wxyz)")
        parser.add_argument(
            "--overlap-hours", type=float, default=24.0, help="how long the old one still works"
        )

    def handle(self, *_args: Any, **options: Any) -> str:
        """Print the new key and nothing else, so that a script can read it."""
        hours = options["overlap_hours"]
        if not 0 <= hours <= 24 * 365:
            raise CommandError("--overlap-hours is from 0 to a year's.")
        try:
            return rotate(find_live(options["key"]), overlap=dt.timedelta(hours=hours))
        except KeyNotFound as error:
            raise CommandError(str(error)) from error
