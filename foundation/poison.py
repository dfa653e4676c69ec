"""Sagas that kill their runners: counted in the row before each run, and parked for a person.

A runner that dies takes its worker with it, so nothing it would do itself can be relied on.
The count stands in the key's row before the work begins; past `CRASHES_MAX` no sweep takes
that key any more, and whoever sweeps opens a case.
"""

import uuid
from collections.abc import Callable
from typing import Final

from django.conf import settings

from foundation import cases, clock, idempotency
from foundation.cases import Subject
from foundation.models import IdempotencyKey
from foundation.transactions import durable

CRASHING: Final = "request_crashing"

_LOOKED_AT_AGAIN_SECONDS = 86_400.0


def tell_crashing(key: IdempotencyKey) -> None:
    """Open the case of a request whose runners keep dying, whatever it asked for."""
    cases.open_once(
        CRASHING,
        about=Subject("idempotencykey", key.pk),
        title=f"A {key.subject_kind} is parked: {key.crashes} runners died on it in a row",
        detail=f"It was asked for with the key {key.key} and works on {key.subject_id}.",
    )


def let_go_on(key_id: uuid.UUID) -> bool:
    """Give a parked request all its runners again, from the next sweep on; False if it is not."""
    parked = IdempotencyKey.objects.filter(
        pk=key_id, state=IdempotencyKey.State.IN_PROGRESS, crashes__gte=settings.CRASHES_MAX
    )
    return parked.update(crashes=0, is_paused=True, leased_until=clock.now()) == 1


def park(*, kind: str, limit: int, tell: Callable[[IdempotencyKey], None] = tell_crashing) -> int:
    """Put off up to `limit` sagas of this kind whose runners keep dying; returns how many.

    `tell` opens the case, in the same transaction as the putting off. A person's `take_over`
    (or `let_go_on`) is what sets such a saga going again.
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
