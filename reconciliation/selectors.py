"""Reads of reconciliation, through what the caller may see."""

from collections.abc import Mapping

from django.db.models import QuerySet

from foundation import lookup
from foundation.authentication import Principal
from reconciliation.models import Match, ReconciliationBreak, ReconciliationRun, SettlementReport
from reconciliation.models.break_ import BreakRows
from reconciliation.refusals import AccountWideKeyRequired

_FILTERS = {"account": "account", "kind": "kind", "status": "state"}


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
    return Match.objects.all()


def settlements(principal: Principal) -> QuerySet[SettlementReport]:
    """Every report. Raises `AccountWideKeyRequired`."""
    refuse_unless_account_wide(principal)
    return SettlementReport.objects.all()


def narrowed(rows: BreakRows, query: Mapping[str, str]) -> BreakRows:
    """Only those of an account, a class or a state, as the query asks."""
    wanted = {
        column: value for name, column in _FILTERS.items() if (value := lookup.text(query, name))
    }
    return rows.filter(**wanted)
