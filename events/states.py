"""Every legal move of what is told outside the house, on one screen."""

from typing import Final

from foundation.state_machine import StateTable

ENDPOINT: Final = StateTable(
    aggregate="webhookendpoint",
    moves={
        "enabled": ("disabled", "deleted"),
        "disabled": ("enabled", "deleted"),
        "deleted": (),
    },
)

DELIVERY: Final = StateTable(
    aggregate="webhookdelivery",
    moves={
        "pending": ("leased",),
        # leased again: whoever held it is gone, and nobody knows whether it was sent
        "leased": ("leased", "sent", "retrying", "dead"),
        "retrying": ("leased", "retrying"),
        # told again, because a client or a person asked for it
        "sent": ("retrying",),
        "dead": ("retrying",),
    },
)
OPEN: Final = ("pending", "leased", "retrying")
