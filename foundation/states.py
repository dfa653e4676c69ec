"""Every legal move of what the ground itself keeps, on one screen."""

from typing import Final

from foundation.state_machine import StateTable

CASE: Final = StateTable(
    aggregate="case",
    moves={
        # resolved: it healed by itself; closed: a person says that nothing more will be done
        "open": ("resolved", "closed"),
        "resolved": (),
        "closed": (),
    },
)

APPROVAL: Final = StateTable(
    aggregate="approval",
    moves={
        "pending": ("approved", "rejected", "withdrawn", "expired"),
        # decided, and not yet carried out: only a crash lets it stand like this
        "approved": ("done", "refused"),
        "rejected": (),
        "withdrawn": (),
        "expired": (),
        "done": (),
        "refused": (),
    },
)
