"""`manage.py measure_gap`: the nightly measuring, now: days that have ended, frozen when due."""

from typing import Any

from django.core.management.base import BaseCommand

from attribution.gap import versions
from foundation import clock


class Command(BaseCommand):
    """A repeat without news adds nothing."""

    help = __doc__ or ""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Measure, and say how many versions are new."""
        self.stdout.write(f"{versions.restate(clock.now())} new versions")
