"""What stands in each account, and since when a clearing account has something open.

Days are UTC. Amounts are integer minor units. One pass over the lines gives all but the ages
of holds, which are counted payment by payment.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from django.db import connection

from payments.postings import CHART, HELD, Account


class DayTotal(NamedTuple):
    """What was debited to and credited to one account in one currency on one day, both >= 0."""

    account: str
    currency: str
    day: dt.date
    debit: int
    credit: int


@dataclass(frozen=True)
class Balance:
    """One account in one currency. `oldest_open_on` is for clearing accounts that are not empty."""

    account: Account
    currency: str
    debit: int
    credit: int
    oldest_open_on: dt.date | None = None

    @property
    def amount(self) -> int:
        """Debits less credits: above zero is a debit balance."""
        return self.debit - self.credit

    def open_days(self, today: dt.date) -> int | None:
        """How many days the oldest open item has been there; None when nothing is open."""
        return None if self.oldest_open_on is None else (today - self.oldest_open_on).days


@dataclass(frozen=True)
class TrialBalance:
    """All debits and all credits of one currency: equal, or the ledger is broken."""

    currency: str
    debit: int
    credit: int

    @property
    def difference(self) -> int:
        """Zero."""
        return self.debit - self.credit


# Asked only for one client: the whole shop's lines are read without looking at payments.
_OF_CLIENT: Final = "payment_id IN (SELECT id FROM payments_payment WHERE client_id = %(client)s)"
_DAILY: Final = """
    SELECT account, currency, (posted_at AT TIME ZONE 'UTC')::date AS day,
           coalesce(sum(amount) FILTER (WHERE amount > 0), 0),
           coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)
    FROM payments_ledgerline WHERE {scope}
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_HOLDS: Final = """
    SELECT currency, min(held_since AT TIME ZONE 'UTC')::date FROM (
        SELECT currency, min(posted_at) AS held_since
        FROM payments_ledgerline WHERE account = %(account)s AND {scope}
        GROUP BY payment_id, currency HAVING sum(amount) <> 0
    ) AS open GROUP BY currency
"""


def daily_totals(*, client_id: uuid.UUID | None = None) -> list[DayTotal]:
    """Every account's days, oldest first; of one client's payments, or (None) of the whole shop."""
    with connection.cursor() as cursor:
        cursor.execute(_DAILY.format(scope=_scope(client_id)), {"client": client_id})
        return [
            DayTotal(account, currency, day, int(debit), int(credit))
            for account, currency, day, debit, credit in cursor.fetchall()
        ]


def balances(totals: Sequence[DayTotal], *, client_id: uuid.UUID | None = None) -> list[Balance]:
    """`totals` (of the same client) by account and currency, in the order of the chart."""
    holds = _holds_since(client_id)
    found = {}
    for key, days in groupby(totals, key=lambda total: (total.account, total.currency)):
        found[key] = list(days)
    return [
        _balance(account, currency, found[name, currency], holds)
        for account in CHART
        for name, currency in sorted(found)
        if name == account.name
    ]


def trial_balance(found: Iterable[Balance]) -> list[TrialBalance]:
    """One for each currency."""
    sums: dict[str, tuple[int, int]] = {}
    for balance in found:
        debit, credit = sums.get(balance.currency, (0, 0))
        side = (max(balance.amount, 0), max(-balance.amount, 0))
        sums[balance.currency] = (debit + side[0], credit + side[1])
    return [TrialBalance(currency, *sums[currency]) for currency in sorted(sums)]


def oldest_open(days: Sequence[DayTotal]) -> dt.date | None:
    """Since when something is open, if what came in first goes out first; None when all went out.

    `days` are one account's in one currency, oldest first. From the newest day backwards, what
    came in is counted until it makes up the balance: that day's is the oldest still there.
    """
    left = sum(day.debit - day.credit for day in days)
    sign = 1 if left > 0 else -1
    for day in reversed(days):
        if left * sign <= 0:
            return None
        left -= day.debit if sign > 0 else -day.credit
        if left * sign <= 0:
            return day.day
    return None


def _balance(
    account: Account, currency: str, days: list[DayTotal], holds: dict[str, dt.date]
) -> Balance:
    since = None
    if account.name == HELD:
        since = holds.get(currency)
    elif account.is_clearing:
        since = oldest_open(days)
    debit, credit = sum(day.debit for day in days), sum(day.credit for day in days)
    return Balance(account, currency, debit, credit, since)


def _holds_since(client_id: uuid.UUID | None) -> dict[str, dt.date]:
    """By currency, when the oldest hold that lives was made: each payment empties its own."""
    with connection.cursor() as cursor:
        statement = _HOLDS.format(scope=_scope(client_id))
        cursor.execute(statement, {"account": HELD, "client": client_id})
        return dict(cursor.fetchall())


def _scope(client_id: uuid.UUID | None) -> str:
    return "true" if client_id is None else _OF_CLIENT
