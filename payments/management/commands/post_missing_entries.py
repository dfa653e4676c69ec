"""`manage.py post_missing_entries`: entries for steps that an older release took."""

from typing import Any

from django.core.management.base import BaseCommand

from payments.services.post_missing import post_missing


class Command(BaseCommand):
    """Run once after the deployment that brought the ledger; a repeat posts nothing."""

    help = __doc__ or ""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Post, and say how many."""
        self.stdout.write(f"{post_missing()} entries posted")
