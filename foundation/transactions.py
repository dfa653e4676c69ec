"""Short, durable transactions, and the rule that no network call happens inside one."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction

T = TypeVar("T")

_CONFLICTS: Final = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock wait
_TRIES: Final = 4


class NetworkInsideTransaction(RuntimeError):
    """A call out was attempted while a transaction was open: a bug, never a condition."""


class CommitInDoubt(OperationalError):
    """COMMIT was sent and its answer never came: it happened, or it did not, and only rows say.

    The connection is dropped, so that whatever is read next is read on a fresh one.
    """


@contextmanager
def durable() -> Iterator[None]:
    """A transaction that is the outermost one: when it ends, it is on disk.

    Raises `CommitInDoubt` when the line broke at COMMIT: never taken for a rollback.
    """
    is_over = False
    try:
        with transaction.atomic(durable=True):
            yield
            is_over = True
    except (OperationalError, InterfaceError) as error:
        if not is_over or sqlstate(error) in _CONFLICTS:
            raise
        connection.close()
        raise CommitInDoubt(str(error)) from error


def surely(attempt: Callable[[], T], *, happened: Callable[[], T | None]) -> T:
    """Run `attempt` (one whole transaction), and once more if it is proven not to have happened.

    `happened` is asked when its COMMIT is in doubt. It must read under the lock that the
    attempt held, so that it waits for a commit that is still under way; it returns what the
    attempt would have returned, or None when it did not happen.
    """
    try:
        return attempt()
    except CommitInDoubt:
        result = happened()
        return attempt() if result is None else result


def refuse_inside_transaction() -> None:
    """Called before every byte to another system.

    A third party's latency must never be the length of our row locks, and a rollback must
    never erase the record of a call that already happened.
    """
    if connection.in_atomic_block:
        raise NetworkInsideTransaction("a call out must not happen inside a transaction")


def repeat_on_conflict(attempt: Callable[[], T]) -> T:
    """Run `attempt` (one whole transaction) again when another one got in its way.

    Only for transactions before which nothing was sent anywhere. The last conflict is raised.
    """
    for number in range(1, _TRIES):
        try:
            return attempt()
        except OperationalError as error:
            if sqlstate(error) not in _CONFLICTS:
                raise
            time.sleep(0.01 * number)
    return attempt()


def sqlstate(error: Exception) -> str:
    """PostgreSQL's five-letter code behind a Django database error, or ''."""
    return getattr(error.__cause__, "sqlstate", None) or ""
