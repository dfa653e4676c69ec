"""`manage.py reconcile`: compare days with the processor's books, and say what differs."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from foundation.errors import DomainError
from foundation.money import Money
from reconciliation import daily, runs
from reconciliation.models import ReconciliationRun


class Command(BaseCommand):
    """Every day that is due, or one that is named; ends non-zero when a day failed."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Which days, of which account."""
        accounts = sorted(settings.RECONCILIATION_ACCOUNTS)
        parser.add_argument("--account", choices=accounts, default=accounts[0])
        parser.add_argument(
            "--day", type=dt.date.fromisoformat, help="YYYY-MM-DD (default: every day that is due)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """One day after the other, each with what came of it."""
        account, day = options["account"], options["day"]
        days = [day] if day else daily.due_days(account)
        if not days:
            self.stdout.write("No day is due.")
        for number, each in enumerate(days, 1):
            self.stdout.write(f"[{number}/{len(days)}] {each} ...", ending="")
            self.stdout.flush()
            self._tell(_run(account, each, self._say))

    def _say(self, phase: str) -> None:
        self.stdout.write(f"\n    {phase} ...", ending="")
        self.stdout.flush()

    def _tell(self, run: ReconciliationRun) -> None:
        if run.state == "failed":
            self.stdout.write(" failed")
            raise CommandError(run.error)
        matched, pairs = run.counts["matched"], run.counts["pairs"]
        self.stdout.write(f" {matched} of {pairs} payments match (version {run.version})")
        for found in run.counts["found"]:
            waits = "  (waiting)" if found["waiting"] else ""
            amount = Money(found["amount"], found["currency"])
            self.stdout.write(f"    {found['kind']:28} {found['count']:6}  {amount}{waits}")


def _run(account: str, day: dt.date, say: runs.Tell) -> ReconciliationRun:
    try:
        return runs.reconcile(account=account, day=day, by="command:reconcile", tell=say)
    except DomainError as refusal:
        raise CommandError(refusal.detail) from refusal
