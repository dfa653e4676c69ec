"""Whose books are compared, and one at a time on each."""

from django.conf import settings
from django.db import connection

from reconciliation.refusals import UnknownAccount


def refuse_unknown(account: str) -> None:
    """Raises `UnknownAccount` for one whose books nobody compares."""
    if account not in settings.RECONCILIATION_ACCOUNTS:
        known = ", ".join(sorted(settings.RECONCILIATION_ACCOUNTS))
        raise UnknownAccount(f"There is no account {account!r}; there are {known}.")


def is_alone(account: str, *, space: int) -> bool:
    """Whether nobody else does the same (`space`) on the account until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [space, account])
        (is_ours,) = cursor.fetchone()
    return bool(is_ours)
