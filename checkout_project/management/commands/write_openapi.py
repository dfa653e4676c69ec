"""`manage.py write_openapi`: the document of the API, and what is made from it, into docs/."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from checkout_project.openapi.published import COLLECTION, published


class Command(BaseCommand):
    """With `--check` nothing is written: it fails when a file is not what it should be."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to look only."""
        parser.add_argument("--check", action="store_true", help="only look; fail when stale")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write each file and remove what is left over, or say which is stale."""
        files = {settings.BASE_DIR / name: text for name, text in published().items()}
        folder = settings.BASE_DIR / COLLECTION
        left_over = {path for path in folder.rglob("*") if path.is_file()} - set(files)
        stale = {path for path, text in files.items() if not _is(path, text)} | left_over
        if options["check"] and stale:
            names = ", ".join(sorted(str(path.relative_to(settings.BASE_DIR)) for path in stale))
            raise CommandError(f"{names}: run `make openapi` and commit what it wrote")
        for path in left_over:
            path.unlink()
        for path in stale - left_over:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path])
        self.stdout.write(f"{len(stale)} files written" if stale else "up to date")


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text
