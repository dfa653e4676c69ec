"""The sections of the ledger's report: balances, open items and their age, day by day, in sum."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from django.urls import reverse
from django.utils.safestring import SafeString

from foundation import clock
from foundation.desk.sections import Drawing, Table
from foundation.desk.staff import link
from foundation.money import Money
from payments.ledger import plot
from payments.ledger.balances import Balance, DayTotal, balances, daily_totals, trial_balance
from payments.postings import CLEARING

PLOT_DAYS: Final = 60


def report() -> list[Any]:
    """The sections of the report page."""
    totals = daily_totals()
    found = balances(totals)
    return [_accounts(found), _open_items(found), *_plots(totals, found), _trial(found)]


def _accounts(found: Sequence[Balance]) -> Table:
    rows = [
        (
            link(_list_of(balance.account.name), balance.account.name),
            balance.account.meaning,
            Money(balance.debit, balance.currency),
            Money(balance.credit, balance.currency),
            Money(balance.amount, balance.currency),
        )
        for balance in found
    ]
    columns = ("Account", "What it holds", "Debits", "Credits", "Balance")
    return Table("Balances", columns, rows, numbers=columns[2:], empty="Nothing was posted yet.")


def _list_of(account: str) -> str:
    return f"{reverse('admin:payments_ledgerline_changelist')}?account={account}"


def _open_items(found: Sequence[Balance]) -> Table:
    today = clock.now().date()
    rows = [
        (
            balance.account.name,
            Money(balance.amount, balance.currency),
            balance.oldest_open_on,
            balance.open_days(today),
        )
        for balance in found
        if balance.oldest_open_on is not None
    ]
    columns = ("Clearing account", "Open", "Oldest since", "Days")
    empty = "Every clearing account is empty."
    return Table("Open items", columns, rows, numbers=("Open", "Days"), empty=empty)


def _plots(totals: Sequence[DayTotal], found: Sequence[Balance]) -> list[Drawing]:
    days = plot.last_days(clock.now().date(), PLOT_DAYS)
    return [
        Drawing(f"Clearing accounts in {currency}", _plot(totals, currency, days))
        for currency in sorted({balance.currency for balance in found})
    ]


def _plot(totals: Sequence[DayTotal], currency: str, days: Sequence[dt.date]) -> SafeString:
    series = plot.closing_balances(totals, accounts=CLEARING, currency=currency, days=days)
    return plot.drawing(series, days=days, currency=currency)


def _trial(found: Sequence[Balance]) -> Table:
    rows = [
        (
            row.currency,
            Money(row.debit, row.currency),
            Money(row.credit, row.currency),
            Money(row.difference, row.currency),
        )
        for row in trial_balance(found)
    ]
    columns = ("Currency", "Debit balances", "Credit balances", "Difference")
    return Table("Trial balance", columns, rows, numbers=columns[1:])
