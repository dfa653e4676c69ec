"""`manage.py load_samples`: something to buy, where there is nothing yet."""

from typing import Any

from django.core.management.base import BaseCommand

from checkout_project import opening


class Command(BaseCommand):
    """The sample catalog with its stock, tax and shipping rates; an existing one is left alone."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        """Load them, or say that there is a catalog."""
        if opening.load_samples():
            self.stdout.write("Loaded the sample catalog, tax and shipping rates.")
        else:
            self.stdout.write("Nothing was done: there is a catalog.")
