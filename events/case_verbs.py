"""What a person may have done about an event that can not be told."""

import uuid
from collections.abc import Sequence

from events import endpoints
from events.models import OutboxEvent, WebhookEndpoint
from events.relay import revive
from foundation.models import Case


def tell_again(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Let the relay try a dead event again, with all its tries."""
    if revive(case.aggregate_id):
        return "The relay tries it again within a second."
    return "Nothing was done: it is not dead."


def told_events(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that were sent, or wait for the relay again."""
    dead = OutboxEvent.State.DEAD
    alive = OutboxEvent.objects.filter(pk__in=ids).exclude(state=dead)
    return list(alive.values_list("pk", flat=True))


def enable_endpoint(case: Case, *, by: str, reason: str) -> str:
    """Tell a disabled endpoint of things again. Raises `NotFound` when it was removed."""
    endpoints.change(case.aggregate_id, {"state": "enabled"}, by=by, reason=reason)
    return "It is enabled; what waits for it is sent within a second."


def telling_endpoints(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that are enabled again, or were removed."""
    disabled = WebhookEndpoint.objects.filter(pk__in=ids, state="disabled")
    gone = set(disabled.values_list("pk", flat=True))
    return [endpoint_id for endpoint_id in ids if endpoint_id not in gone]
