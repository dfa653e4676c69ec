"""What a person may have done about a request that kills whoever works on it."""

import uuid
from collections.abc import Sequence

from django.conf import settings

from foundation import poison
from foundation.models import Case, IdempotencyKey


def let_go_on(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Let the sweep take it up again."""
    if poison.let_go_on(case.aggregate_id):
        return "The next sweep takes it up again."
    return "Nothing was done: it is not parked."


def going_on(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that ended, or that sweeps take up again."""
    parked = IdempotencyKey.objects.filter(
        pk__in=ids, state=IdempotencyKey.State.IN_PROGRESS, crashes__gte=settings.CRASHES_MAX
    )
    still = set(parked.values_list("pk", flat=True))
    return [key_id for key_id in ids if key_id not in still]
