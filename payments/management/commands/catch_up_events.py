"""`manage.py catch_up_events`: store the processor's events that never arrived, after an outage."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments.processors.base import OutcomeUnknown, ProcessorUnavailable
from payments.services.catch_up import catch_up


class Command(BaseCommand):
    """The hourly job does the same for half a minute at most; this goes on to the end."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """From when on, and of which processor."""
        parser.add_argument(
            "--since",
            type=_moment,
            help="RFC 3339, such as 2026-11-20T00:00:00Z (default: where the last run came to)",
        )
        parser.add_argument(
            "--processor",
            choices=sorted(settings.PROCESSOR_EVENT_TYPES),
            default="stripe",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """List, store, and say after each hundred how far it is."""
        progress = None
        try:
            for progress in catch_up(options["processor"], since=options["since"]):
                self.stdout.write(
                    f"{progress.listed} listed, {progress.missing} were missing,"
                    f" until {progress.until:%Y-%m-%d %H:%M:%S} UTC"
                )
                self.stdout.flush()
        except (ProcessorUnavailable, OutcomeUnknown) as error:
            raise CommandError(
                f"The processor did not answer ({error}). What was stored stays; run it again."
            ) from error
        if progress is None:
            self.stdout.write("There is no payment yet that an event could speak of.")


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
