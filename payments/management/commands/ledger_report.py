"""`manage.py ledger_report`: balances, ages of clearing accounts, whether all rules hold."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from foundation import clock
from foundation.money import Money
from payments.invariants.books import LEDGER_RULES
from payments.ledger.balances import Balance, balances, daily_totals, trial_balance


class Command(BaseCommand):
    """Reads only. Ends non-zero when a rule is broken."""

    help = __doc__ or ""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print the report, then ask every rule of the ledger."""
        found = balances(daily_totals())
        for line in _report(found):
            self.stdout.write(line)
        names = [rule.name for rule in LEDGER_RULES]
        call_command("check_invariants", *names, stdout=self.stdout)


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
