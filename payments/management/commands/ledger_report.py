"""`manage.py ledger_report`: balances, ages of clearing accounts, whether all rules hold."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from foundation import clock
from foundation.money import Money
from payments.ledger.balances import Balance, balances, daily_totals, trial_balance
from payments.ledger.checks import CHECKS

SHOWN_MAX = 20


class Command(BaseCommand):
    """Reads only. Ends non-zero when a rule is broken."""

    help = __doc__ or ""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print the report, then ask every rule."""
        found = balances(daily_totals())
        for line in _report(found):
            self.stdout.write(line)
        broken = [check.name for check in CHECKS if not self._holds(check)]
        if broken:
            raise CommandError(f"broken: {', '.join(broken)}")

    def _holds(self, check: Any) -> bool:
        offenders = check.violations(limit=SHOWN_MAX)
        self.stdout.write(f"{'BROKEN' if offenders else 'holds '}  {check.rule}")
        for row_id, how in offenders:
            self.stdout.write(f"          {check.about} {row_id}: {how}")
        return not offenders


def _report(found: list[Balance]) -> list[str]:
    today = clock.now().date()
    lines = [_line(balance, balance.open_days(today)) for balance in found]
    for row in trial_balance(found):
        debit, credit = Money(row.debit, row.currency), Money(row.credit, row.currency)
        lines.append(f"{'debit and credit balances':<28}{debit!s:>20}{credit!s:>20}")
    return [*lines, ""] if lines else ["The ledger is empty.", ""]


def _line(balance: Balance, days: int | None) -> str:
    age = "" if days is None else f"  open for {days} days"
    name = balance.account.name
    return f"{name:<28}{Money(balance.amount, balance.currency)!s:>20}{age}"
