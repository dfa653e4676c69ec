"""Sagas that kill their runners: counted in the row before each run, and parked for a person.

A runner that dies takes its worker with it, so nothing it would do itself can be relied on.
The count stands in the key's row before the work begins; past `CRASHES_MAX` no sweep takes
that key any more, and whoever sweeps opens a case.
"""

from collections.abc import Callable

from django.conf import settings

from foundation import clock, idempotency
from foundation.models import IdempotencyKey
from foundation.transactions import durable

_LOOKED_AT_AGAIN_SECONDS = 86_400.0


def park(*, kind: str, limit: int, tell: Callable[[IdempotencyKey], None]) -> int:
    """Put off up to `limit` sagas of this kind whose runners keep dying; returns how many.

    `tell` opens the case, in the same transaction as the putting off. A person's `take_over`
    is what sets such a saga going again.
    """
    with durable():
        keys = list(
            IdempotencyKey.objects.select_for_update(no_key=True, skip_locked=True)
            .filter(state=IdempotencyKey.State.IN_PROGRESS, subject_kind=kind)
            .filter(crashes__gte=settings.CRASHES_MAX, leased_until__lte=clock.now())
            .order_by("leased_until")[:limit]
        )
        for key in keys:
            tell(key)
            idempotency.postpone(key, seconds=_LOOKED_AT_AGAIN_SECONDS)
    return len(keys)
