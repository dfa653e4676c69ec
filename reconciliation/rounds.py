"""One round of comparing: the days that are due, and then what has crossed its limit."""

from reconciliation import alerts, daily


def go() -> None:
    """See `daily.reconcile_due` and `alerts.look`: a day that failed is told of, too."""
    daily.reconcile_due()
    alerts.look()
