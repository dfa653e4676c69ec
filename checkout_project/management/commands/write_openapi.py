"""`manage.py write_openapi`: the document of the API, and what is made from it, into docs/."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from checkout_project.openapi.published import published


class Command(BaseCommand):
    """With `--check` nothing is written: it fails when a file is not what it should be."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to look only."""
        parser.add_argument("--check", action="store_true", help="only look; fail when stale")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write each file, or say which is stale."""
        stale = []
        for name, text in published().items():
            path = settings.BASE_DIR / name
            if path.is_file() and path.read_text() == text:
                continue
            stale.append(name)
            if not options["check"]:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        if options["check"] and stale:
            raise CommandError(f"{', '.join(stale)}: run `make openapi` and commit what it wrote")
        self.stdout.write(f"{len(stale)} files written" if stale else "up to date")
