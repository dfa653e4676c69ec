"""`manage.py import_conversions FILE.csv --client shop`: sales as analytics counted them.

All of the file or nothing of it, and the same file only once.
"""

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from attribution.conversion_files import FORMATS, NEEDED, OPTIONAL, FileRefused
from attribution.importing import BATCH, AlreadyImported, File, Imported, Layout, import_file
from foundation.models import ApiClient
from foundation.money import EXPONENTS

_TOLD_EVERY_SECONDS = 1.0
BY = "command:import_conversions"


class Command(BaseCommand):
    """Import conversions."""

    help = __doc__ or ""
    told_at = 0.0

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, whose it is, and how it is written."""
        parser.add_argument("file", type=Path, help="a CSV file in UTF-8 with a header line")
        parser.add_argument("--client", required=True, help="whose orders these are, by name")
        parser.add_argument("--format", choices=sorted(FORMATS), default="plain")
        parser.add_argument(
            "--map", action="append", default=[], metavar="OURS=THEIRS",
            help=f"a heading of your own for one of: {', '.join((*NEEDED, *OPTIONAL))}",
        )  # fmt: skip
        parser.add_argument("--currency", default="", help="for a file that does not name it")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Import, telling how far it is; the bad lines on stderr when it is refused."""
        path, client = options["file"], ApiClient.objects.filter(name=options["client"]).first()
        if not path.is_file():
            raise CommandError(f"{path} is not a file")
        if client is None:
            raise CommandError("There is no client of this name.")
        try:
            with path.open("rb") as stream:
                file = File(stream, path.name, client.pk, by=BY)
                done = import_file(file, _layout(options), progress=self.tell_progress)
        except FileRefused as refused:
            for bad in refused.bad_lines:
                self.stderr.write(f"line {bad.line}: {bad.reason}")
            raise CommandError(f"{refused}: nothing was imported") from None
        except AlreadyImported:
            raise CommandError("this file was imported before: nothing was imported") from None
        self.stdout.write(self.style.SUCCESS(f"{done.rows} rows imported, {done.skipped} no sales"))

    def tell_progress(self, done: Imported) -> None:
        """At most once a second, and only when there is more than one batch."""
        now = time.monotonic()
        if done.rows > BATCH and now - self.told_at >= _TOLD_EVERY_SECONDS:
            self.told_at = now
            self.stdout.write(f"{done.rows} rows read, {len(done.bad)} of them bad")


def _layout(options: dict[str, Any]) -> Layout:
    renamed = {}
    for pair in options["map"]:
        ours, _, theirs = pair.partition("=")
        if ours not in (*NEEDED, *OPTIONAL) or not theirs.strip():
            raise CommandError(f"--map {pair}: OURS=THEIRS, with one of our words")
        renamed[ours] = theirs
    if options["currency"] and options["currency"] not in EXPONENTS:
        raise CommandError("--currency is no ISO 4217 code")
    return Layout(kind=options["format"], renamed=renamed, currency=options["currency"])
