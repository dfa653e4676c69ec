"""How the ledger looks on the wire. A debit is above zero, a credit below."""

from collections.abc import Iterable
from typing import Any

from foundation.ids import public
from payments.ledger.balances import Balance, TrialBalance
from payments.ledger.entries import Entry
from payments.postings import CHART
from payments.representations import moment, money


def accounts(found: Iterable[Balance]) -> list[dict[str, Any]]:
    """The whole chart, each account with its balance in every currency it was posted in."""
    by_account: dict[str, list[dict[str, Any]]] = {account.name: [] for account in CHART}
    for balance in found:
        by_account[balance.account.name].append(_balance(balance))
    return [
        {
            "account": account.name,
            "kind": account.kind,
            "clearing": account.is_clearing,
            "description": account.meaning,
            "balances": by_account[account.name],
        }
        for account in CHART
    ]


def _balance(balance: Balance) -> dict[str, Any]:
    since = balance.oldest_open_on
    return {
        "balance": money(balance.amount, balance.currency),
        "debits": money(balance.debit, balance.currency),
        "credits": money(balance.credit, balance.currency),
        "oldest_open_on": None if since is None else since.isoformat(),
    }


def trial(found: Iterable[TrialBalance]) -> list[dict[str, Any]]:
    """Debit and credit balances of each currency, and their difference, which is zero."""
    return [
        {
            "debits": money(row.debit, row.currency),
            "credits": money(row.credit, row.currency),
            "difference": money(row.difference, row.currency),
        }
        for row in found
    ]


def entry(found: Entry) -> dict[str, Any]:
    """One entry with all its lines."""
    first = found.first
    return {
        "id": public("ent", found.id),
        "type": first.kind,
        "payment": first.payment_id and public("pay", first.payment_id),
        "transaction": first.transaction_id and public("txn", first.transaction_id),
        "payout": first.payout_id and public("po", first.payout_id),
        "posted_at": moment(first.posted_at),
        "description": first.description or None,
        "lines": [
            {"account": line.account, "amount": money(line.amount, line.currency)}
            for line in found.lines
        ],
    }
