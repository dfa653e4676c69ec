"""Every legal move of a reconciliation run and of a break, on one screen."""

from typing import Final

from foundation.state_machine import StateTable

RUN: Final = StateTable(
    aggregate="run",
    moves={"running": ("completed", "failed"), "completed": (), "failed": ()},
)

BREAK: Final = StateTable(
    aggregate="break",
    moves={
        # auto_resolved: a later run found it gone, or a repair of the whitelist mended it
        "open": ("auto_resolved", "assigned", "resolved", "written_off"),
        "assigned": ("open", "auto_resolved", "resolved", "written_off"),
        "auto_resolved": ("reopened",),
        "resolved": ("reopened",),
        "written_off": ("reopened",),
        "reopened": ("auto_resolved", "assigned", "resolved", "written_off"),
    },
)
# What still asks for somebody's attention.
UNSETTLED: Final = ("open", "assigned", "reopened")
