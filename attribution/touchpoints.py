"""A visit began: keep where it came from, and of the visitor only what consent allows."""

import uuid
from collections.abc import Mapping
from typing import Any

from attribution import cleaning
from attribution.models import Touchpoint
from attribution.user_agents import device
from foundation import clock, rows


def record(told: Mapping[str, Any], *, touchpoint_id: uuid.UUID, client_id: uuid.UUID) -> None:
    """Store one touchpoint in the caller's transaction.

    `told` is a valid `TouchpointRequest`. Values that are no good (unfilled templates, too long)
    are left out and told by name; who refused consent is not named at all.
    """
    kept, dropped = cleaning.clean({n: told[n] for n in cleaning.KNOWN})
    is_denied = kept.get("consent") is False
    rows.insert(
        Touchpoint(
            **cleaning.columns(kept),
            id=touchpoint_id,
            client_id=client_id,
            browser_id="" if is_denied else kept.get("client_id", ""),
            customer_reference="" if is_denied else told["customer_reference"] or "",
            device=device(told["user_agent"] or "").value,
            dropped=list(dropped),
            occurred_at=told["occurred_at"] or clock.now(),
        )
    )
