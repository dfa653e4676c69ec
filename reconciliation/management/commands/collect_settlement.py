"""`manage.py collect_settlement --account stripe --day 2026-11-20`: the processor's records by API.

May be stopped and started again: it goes on where it was cut short.
"""

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from foundation.errors import DomainError
from payments.processors.base import OutcomeUnknown, ProcessorUnavailable
from reconciliation import accounts
from reconciliation.collection import collect, collect_payouts
from reconciliation.days import day_of


class Command(BaseCommand):
    """Collect the records of a day, and what went into its payouts."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, and of which day in the time zone of the account."""
        parser.add_argument("--account", default="stripe")
        parser.add_argument("--day", type=dt.date.fromisoformat, required=True)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Read page after page, and tell how far it is."""
        account = options["account"]
        try:
            accounts.refuse_unknown(account)
            window = day_of(account, options["day"])
            asked = {"account": account, "window": window, "by": "command", "tell": self._tell}
            reports = [collect(**asked), *collect_payouts(**asked)]
        except DomainError as refused:
            raise CommandError(f"{refused.title}. {refused.detail}") from None
        except (ProcessorUnavailable, OutcomeUnknown) as error:
            raise CommandError(
                f"The processor did not answer ({error}). What came so far stays; run it again."
            ) from error
        for report in reports:
            told = f"{report.line_count} lines, {report.new_line_count} of them new"
            self.stdout.write(self.style.SUCCESS(f"{report.reference}: {told} ({report.name})"))

    def _tell(self, lines: int) -> None:
        self.stdout.write(f"{lines} lines")
        self.stdout.flush()
