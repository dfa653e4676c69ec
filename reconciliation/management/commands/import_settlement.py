"""`manage.py import_settlement FILE --account stripe`: a settlement report, all of it or nothing.

Ends with an exit code that is not 0, and every line that can not be read, when it is malformed.
"""

import argparse
import datetime as dt
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from foundation.errors import DomainError
from reconciliation import readers
from reconciliation.ingestion import Intake, checked_window, ingest
from reconciliation.models import SettlementReport
from reconciliation.readers.base import MalformedReport


class Command(BaseCommand):
    """Import a settlement report."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, whose it is, how to read it, and of which time it tells."""
        parser.add_argument("file", type=Path, help="the report, in UTF-8")
        parser.add_argument("--account", required=True, help="such as stripe")
        parser.add_argument("--reader", choices=readers.NAMES, default=readers.NAMES[0])
        parser.add_argument("--map", type=Path, help="a column map as JSON, for mapped_csv")
        for bound, what in (("since", "from when"), ("until", "until when, exclusive")):
            parser.add_argument(f"--{bound}", type=_moment, help=f"{what} it tells: RFC 3339")
        parser.add_argument(
            "--whole-days",
            action="store_true",
            help="instead: it tells all of each day of the account, from its first line's to its "
            "last's",
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Read, tell how far it is, and say what came of it."""
        given = argparse.Namespace(**options)
        try:
            report = self._import(given)
        except MalformedReport as refused:
            for fault in refused.faults:
                self.stderr.write(f"line {fault.line}: {fault.reason}")
            raise CommandError("nothing was imported") from None
        except DomainError as refused:
            raise CommandError(f"{refused.title}. {refused.detail}") from None
        told = f"{report.line_count} lines, {report.new_line_count} of them new"
        self.stdout.write(self.style.SUCCESS(f"{report.reference}: {told}"))

    def _import(self, given: argparse.Namespace) -> SettlementReport:
        try:
            column_map = orjson.loads(given.map.read_bytes()) if given.map else None
            with given.file.open("rb") as file:
                return ingest(
                    file,
                    reader=readers.reader(given.reader, column_map=column_map),
                    intake=Intake(
                        account=given.account,
                        origin=SettlementReport.Origin.COMMAND,
                        name=given.file.name[:255],
                        by="command",
                        window=checked_window(
                            given.since, given.until, tells_whole_days=given.whole_days
                        ),
                        tells_whole_days=given.whole_days,
                    ),
                    tell=self._tell,
                )
        except (OSError, orjson.JSONDecodeError) as error:
            raise CommandError(str(error)) from error

    def _tell(self, lines: int) -> None:
        self.stdout.write(f"{lines} lines read")
        self.stdout.flush()


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
