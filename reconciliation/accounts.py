"""Whose books are compared, and one at a time on each."""

from typing import Final

from django.conf import settings
from django.db import connection

from reconciliation.refusals import UnknownAccount

_LINES_SPACE: Final = 71_003  # advisory locks: whoever adds lines shares it, a run has it alone


def refuse_unknown(account: str) -> None:
    """Raises `UnknownAccount` for one whose books nobody compares."""
    if account not in settings.RECONCILIATION_ACCOUNTS:
        known = ", ".join(sorted(settings.RECONCILIATION_ACCOUNTS))
        raise UnknownAccount(f"There is no account {account!r}; there are {known}.")


def may_add_lines(account: str) -> bool:
    """Whether nobody counts on the account's lines to stay as they are; nobody will, until the
    transaction ends."""
    with connection.cursor() as cursor:
        asked = "SELECT pg_try_advisory_xact_lock_shared(%s, hashtext(%s))"
        cursor.execute(asked, [_LINES_SPACE, account])
        (may,) = cursor.fetchone()
    return bool(may)


def hold_lines(account: str) -> None:
    """Whoever is adding lines comes to an end first, and nobody adds any until we did.

    An advisory lock, for the shop's role may not lock a table that it may only add to.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LINES_SPACE, account])


def is_alone(account: str, *, space: int) -> bool:
    """Whether nobody else does the same (`space`) on the account until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [space, account])
        (is_ours,) = cursor.fetchone()
    return bool(is_ours)
