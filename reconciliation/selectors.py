"""Reads of reconciliation, through what the caller may see."""

from collections.abc import Collection, Mapping
from typing import Final

from django.db.models import QuerySet

from foundation.edge import lookup
from foundation.edge.authentication import Principal
from reconciliation.models import Match, ReconciliationBreak, ReconciliationRun, SettlementReport
from reconciliation.models.break_ import BreakRows
from reconciliation.refusals import AccountWideKeyRequired
from reconciliation.states import BREAK

# Parameter → column, and the values there are (None: any text).
FILTERS: Final[dict[str, tuple[str, Collection[str] | None]]] = {
    "account": ("account", None),
    "kind": ("kind", ReconciliationBreak.Kind.values),
    "status": ("state", BREAK.states),
}


def refuse_unless_account_wide(principal: Principal) -> None:
    """Raises `AccountWideKeyRequired` for a key that sees only what its client made."""
    if not principal.sees_all:
        raise AccountWideKeyRequired("This is about everybody's payments.")


def runs(principal: Principal) -> QuerySet[ReconciliationRun]:
    """Every run. Raises `AccountWideKeyRequired`."""
    refuse_unless_account_wide(principal)
    return ReconciliationRun.objects.all()


def breaks(principal: Principal) -> BreakRows:
    """Every break. Raises `AccountWideKeyRequired`."""
    refuse_unless_account_wide(principal)
    return ReconciliationBreak.objects.all()


def matches(principal: Principal) -> QuerySet[Match]:
    """Every match by hand. Raises `AccountWideKeyRequired`."""
    refuse_unless_account_wide(principal)
    return Match.objects.select_related("undone").prefetch_related("members")


def settlements(principal: Principal) -> QuerySet[SettlementReport]:
    """Every report. Raises `AccountWideKeyRequired`."""
    refuse_unless_account_wide(principal)
    return SettlementReport.objects.all()


def narrowed(rows: BreakRows, query: Mapping[str, str]) -> BreakRows:
    """Only those of an account, a class or a state, as the query asks. Raises `InvalidInput`."""
    for name, (column, among) in FILTERS.items():
        value = (
            lookup.text(query, name) if among is None else lookup.choice(query, name, among=among)
        )
        if value:
            rows = rows.filter(**{column: value})
    return rows
