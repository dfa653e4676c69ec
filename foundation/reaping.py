"""Keys are kept for as long as they may be asked for, and deleted when their story is over."""

import datetime as dt
from typing import Final

from django.db.models import Exists, OuterRef

from foundation import clock
from foundation.models import IdempotencyKey

State = IdempotencyKey.State
_ENDED: Final = (State.COMPLETED, State.ABANDONED)
_BATCHES_MAX: Final = 1_000


def reap(*, older_than: dt.timedelta, limit: int) -> int:
    """Delete ended keys past their keep time, batch by batch; never an open one.

    Nor one whose saga is still open under the system's own key: its answer was a 202.
    """
    still_open = IdempotencyKey.objects.filter(
        subject_id=OuterRef("subject_id"), state=State.IN_PROGRESS
    )
    ended = IdempotencyKey.objects.filter(
        ~Exists(still_open), state__in=_ENDED, completed_at__lt=clock.now() - older_than
    )
    deleted = 0
    for _ in range(_BATCHES_MAX):
        batch = IdempotencyKey.objects.filter(pk__in=ended.values("pk")[:limit]).delete()[0]
        deleted += batch
        if batch < limit:
            break
    return deleted
