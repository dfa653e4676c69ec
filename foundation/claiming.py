"""T1 under a key, when the answer to its COMMIT is lost: what happened is read again by the key."""

from collections.abc import Callable
from typing import TypeVar

from foundation.idempotency import Claim, InProgress
from foundation.transactions import CommitInDoubt, repeat_on_conflict

T = TypeVar("T")


def begin_surely(begin: Callable[[list[T]], T], *, claim_of: Callable[[T], Claim]) -> T:
    """Run T1, and once more if its COMMIT is in doubt: the key then says which of the two it was.

    `begin` is one whole transaction that claims the key; it appends what it returns to the list
    it is given, before it commits. The second INSERT waits for the first, should that still be
    under way. If it finds the first one's own claim, T1 happened, and we go on with what it left
    in our hands.
    """
    begun: list[T] = []
    try:
        return repeat_on_conflict(lambda: begin(begun))
    except CommitInDoubt:
        first = begun[-1]
    try:
        return repeat_on_conflict(lambda: begin(begun))
    except InProgress as running:
        found, ours = running.row, claim_of(first).row
        if found is None or (found.pk, found.lease_token) != (ours.pk, ours.lease_token):
            raise
        return first
