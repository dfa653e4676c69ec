"""Take the snapshot: clean, capped, and only what consent allows. Never blocks a checkout."""

from collections.abc import Mapping
from typing import Any

from attribution import cleaning
from attribution.models import Attribution


def snapshot(touch: Mapping[str, Any], *, referrer: str = "") -> Attribution:
    """The row for one order, unsaved, from what the client sent and the request's own referrer."""
    kept, _ = cleaning.clean(touch)
    is_denied = kept.get("consent") is False
    return Attribution(
        **cleaning.columns(kept, referrer=referrer),
        client_id="" if is_denied else kept.get("client_id", ""),
    )
